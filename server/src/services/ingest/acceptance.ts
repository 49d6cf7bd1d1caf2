import type { Core } from '@strapi/strapi';
import { type DerivedFile, type IngestReason, rungKindOf } from '../../../contracts';
import { configOf } from '../../config';
import { VodError } from '../../errors';
import { derivedKeyOf, withDerived } from '../../storage/derived';
import { checkStaged, placeStaged, stagedKeyOf, unplaceStaged } from '../../storage/ingest-area';
import { hasErrno } from '../../storage/storage-error';
import { pathOfKey } from '../../storage/storage-root';
import type { Asset } from '../asset';
import { getService } from '../get-service';
import { shortSideOf } from '../picture-size';
import { retryingDeadlocks } from '../playback-session/deadlock';
import { standingBack } from '../text-tracks/default-text';
import { type LearnedFacts, saveDerived, withdrawDerived } from './derived-files';
import type { Fence, JobStore } from './job-store';
import { areOutputsOf } from './kinds';
import { type LadderFilm, rungOrderOf } from './ladder';
import { learnedFrom } from './learned-facts';

const MAX_ATTEMPTS = 5;

/** The film was moved or trashed, or another job ended, since it was read. */
class Overtaken extends Error {}

interface Target {
  asset: Asset;
  learned: LearnedFacts | null;
}

export interface Delivery {
  fence: Fence;
  asset: string;
  kind: string;
  outputs: readonly DerivedFile[];
  /** What administrators are told of it all the same. */
  note: IngestReason | null;
}

/** Throws `VodError` `output-refused` unless all that this kind makes was reported, and nothing else. */
function checkNames({ kind, outputs }: Delivery): void {
  if (areOutputsOf(kind, outputs)) return;
  throw new VodError('output-refused', 'A worker reported other files than its job makes.');
}

/** Of a rendition with how high it was ordered: who may watch it depends on that, and is not for a worker to say. */
function measured(
  strapi: Core.Strapi,
  { kind, outputs }: Delivery,
  asset: Pick<Asset, keyof LadderFilm>,
): DerivedFile[] {
  const order = rungOrderOf(kind, asset, configOf(strapi).ingest);
  return outputs.map(({ height: _reported, ...output }) => ({
    ...output,
    ...(order && { height: shortSideOf(asset.tracks) === 0 ? 0 : order.height }),
  }));
}

/**
 * Files and rows change together: the job's row is held by the transaction while the files are put beside the film, so that
 * no other attempt can be doing the same, and the asset's row is written only where the film still lies there.
 */
async function place(
  strapi: Core.Strapi,
  store: JobStore,
  delivery: Delivery,
  { asset, learned }: Target,
): Promise<boolean> {
  const { root } = getService(strapi, 'storage');
  const { fence, note } = delivery;
  const made = measured(strapi, delivery, { ...asset, ...learned });
  const outputs = standingBack(
    made.filter(({ name }) => !asset.removedTexts?.includes(name)),
    asset.derived ?? [],
  );
  const placed: { staged: string; target: string }[] = [];
  try {
    return await strapi.db.transaction(async ({ trx }) => {
      if (!(await store.finish(fence, note, trx))) return false;
      for (const { name } of outputs) {
        const staged = stagedKeyOf(fence.id, fence.attempt, name);
        await placeStaged(root, staged, asset.storageKey, name);
        placed.push({ staged, target: derivedKeyOf(asset.storageKey, name) });
      }
      const derived = withDerived(asset.derived ?? [], outputs);
      if (await saveDerived(strapi, asset, derived, trx, learned)) return true;
      throw new Overtaken();
    });
  } catch (error) {
    for (const { staged, target } of placed) await unplaceStaged(root, target, staged);
    const names = outputs.map(({ name }) => name);
    await withdrawDerived(strapi, asset, names);
    // The film's directory was emptied and pruned meanwhile.
    throw hasErrno(error, 'ENOENT') ? new Overtaken('The film has gone.', { cause: error }) : error;
  }
}

/** What else is known of the film from now on; null: nothing. Throws as `learnedFrom` does. */
async function learnedBy(strapi: Core.Strapi, { fence, kind, outputs }: Delivery, asset: Asset) {
  const [rendition] = outputs;
  if (rungKindOf(kind) === null || rendition === undefined) return null;
  const key = stagedKeyOf(fence.id, fence.attempt, rendition.name);
  return learnedFrom(strapi, asset, pathOfKey(getService(strapi, 'storage').root, key));
}

/**
 * Takes over what a worker has made. `learned`: it is known only now how large and how long the film is. `late`: of an attempt
 * that does not run any more; `gone`: nobody wants it any more. Throws `VodError` `output-refused`, `storage-damaged` or
 * `storage-missing` where it is not what was reported.
 */
export async function accept(
  strapi: Core.Strapi,
  store: JobStore,
  delivery: Delivery,
): Promise<'taken' | 'learned' | 'late' | 'gone'> {
  const { root } = getService(strapi, 'storage');
  const { fence, outputs } = delivery;
  checkNames(delivery);
  for (const output of outputs) await checkStaged(root, stagedKeyOf(fence.id, fence.attempt, output.name), output);
  for (let attempt = 1; ; attempt += 1) {
    const asset = await getService(strapi, 'asset').findById(delivery.asset);
    if (asset?.state !== 'ready') return 'gone';
    const learned = await learnedBy(strapi, delivery, asset);
    try {
      if (!(await retryingDeadlocks(() => place(strapi, store, delivery, { asset, learned })))) return 'late';
      return learned === null ? 'taken' : 'learned';
    } catch (error) {
      if (!(error instanceof Overtaken) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
