import { ENCODER_REFUSALS, type EncoderChoice, type EncoderReport, SOFTWARE_ENCODER } from '../../../../contracts';
import { configOf } from '../../../config';
import { type Check, NOT_RUNNING } from '../examination';
import { type Judgement, ok, skipped, warn } from '../finding';

const ADVICE =
  'Let the worker have the device and its driver (a container: --device /dev/dri, or --gpus), or set ingest.encoder to software.';

/** `choice`: of the site; a worker that runs elsewhere may have one of its own. */
export function judgeEncoders(reports: readonly EncoderReport[], choice: EncoderChoice): Judgement {
  if (reports.length === 0) return skipped('No ingest worker with ffmpeg has asked this Strapi for work lately.');
  const used = [...new Set(reports.map((report) => report.used))];
  const told = `Renditions are made by ${used.join(' and ')}`;
  const refused = reports.flatMap((report) => (report.used === SOFTWARE_ENCODER ? report.refused : []));
  if (refused.length === 0) return ok(choice === 'software' ? `${told}; no other is asked for` : told);
  const lines = refused.map(({ encoder, why }) => `${encoder}: ${ENCODER_REFUSALS[why]}`);
  return warn(`${told}: at a worker no encoder of a graphics card can be used.`, ADVICE, [...new Set(lines)]);
}

export const encoder: Check = {
  name: 'encoder',
  run({ strapi, site }) {
    if (site === null) return [skipped(NOT_RUNNING)];
    if (site.status === null) return [skipped('Strapi did not tell.')];
    return [judgeEncoders(site.status.encoders, configOf(strapi).ingest.encoder)];
  },
};
