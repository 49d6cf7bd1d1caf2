import { INGEST_LAYERS, type IngestLayer } from '../../../../contracts';
import { configOf } from '../../../config';
import { type Check, NOT_RUNNING } from '../examination';
import { fail, type Judgement, ok, skipped, warn } from '../finding';

const WITHOUT: Record<IngestLayer, string> = {
  limits: 'limits: no limit of memory and processor time but its own (prlimit is missing)',
  network: 'network: the network is not taken from it (no network namespace can be made)',
  life: 'life: it may outlive its worker (setpriv is missing)',
  root: 'root: it may read what the user of the worker may read (no root of its own can be had)',
  files: 'files: it may write where the user of the worker may (no mount namespace can be made)',
  privileges: 'privileges: it keeps those of the worker (setpriv is missing)',
};
const ADVICE =
  'Install util-linux, and let the worker make namespaces (user, net, mnt, pid, ipc): Docker refuses them by default. Or run workers on a machine that can.';

export function judgeConfinement(
  unconfined: readonly IngestLayer[] | null,
  confinement: 'required' | 'best-effort',
): Judgement {
  if (unconfined === null) return skipped('No ingest worker with ffmpeg has asked this Strapi for work lately.');
  if (unconfined.length === 0) return ok('ffmpeg is fully confined at each worker that has asked lately');
  const lines = INGEST_LAYERS.filter((layer) => unconfined.includes(layer)).map((layer) => WITHOUT[layer]);
  if (confinement === 'best-effort') return warn('A worker runs ffmpeg without full confinement.', ADVICE, lines);
  return fail('A worker cannot fully confine ffmpeg, and takes no job: ingest.confinement is required.', ADVICE, lines);
}

export const ingest: Check = {
  name: 'ingest',
  run({ strapi, site }) {
    if (site === null) return [skipped(NOT_RUNNING)];
    if (site.status === null) return [skipped('Strapi did not tell.')];
    return [judgeConfinement(site.status.unconfined, configOf(strapi).ingest.confinement)];
  },
};
