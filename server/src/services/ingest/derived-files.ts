import { rm } from 'node:fs/promises';
import type { Core } from '@strapi/strapi';
import type { DerivedFile } from '../../../contracts';
import { derivedKeyOf } from '../../storage/derived';
import type { Film } from '../../storage/inspection/film-inspection';
import { pruneEmptyParents } from '../../storage/library';
import { metadataKeyOf, readMetadata, writeMetadata } from '../../storage/metadata';
import { pathOfKey } from '../../storage/storage-root';
import type { Asset } from '../asset';
import { getService } from '../get-service';
import type { Transaction } from '../playback-session/transaction';

const TABLE = 'protected_vod_assets';

/** What is known of a film only since something was made of it. */
export type LearnedFacts = Pick<Film, 'durationSeconds' | 'tracks'>;

/** An asset as it was when somebody looked, and which of its embedded texts are not to come back. */
export type Seen = Pick<Asset, 'documentId' | 'storageKey' | 'derivedRevision' | 'removedTexts'>;

/** False: it was moved, trashed or changed since it was seen, and nothing is written. */
async function writeRow(
  strapi: Core.Strapi,
  { documentId, storageKey, derivedRevision, removedTexts }: Seen,
  derived: readonly DerivedFile[],
  trx: Transaction | null,
  learned: LearnedFacts | null,
): Promise<boolean> {
  const facts = learned && {
    duration_seconds: learned.durationSeconds,
    tracks: JSON.stringify(learned.tracks),
    // More can be made of it now: `backfill` looks at rows again that have changed.
    updated_at: new Date(),
  };
  const rows = strapi.db.getConnection(TABLE);
  const revision = derivedRevision ?? 0;
  const changed = await (trx ? rows.transacting(trx) : rows)
    .where({ document_id: documentId, storage_key: storageKey, state: 'ready' })
    // Films that were stored by an earlier version have none.
    .whereRaw('coalesce(??, 0) = ?', ['derived_revision', revision])
    .update({
      ...facts,
      derived: JSON.stringify(derived),
      removed_texts: JSON.stringify(removedTexts ?? []),
      derived_revision: revision + 1,
    });
  return changed === 1;
}

/**
 * Says what was made of a film, in the metadata beside it and then in its row. False: it was moved, trashed or changed since it
 * was seen; then `withdrawDerived` is to follow. In this order, because whoever trashes a film looks for its files once more
 * after the row was changed, and because the last one to change the row was the last to write the metadata. Makes no lease due:
 * what was made gives and takes no right. `learned`: what is to be known of the film from now on, too.
 */
export async function saveDerived(
  strapi: Core.Strapi,
  seen: Seen,
  derived: readonly DerivedFile[],
  trx: Transaction | null,
  learned: LearnedFacts | null = null,
): Promise<boolean> {
  const { root } = getService(strapi, 'storage');
  const known = await readMetadata(root, seen.storageKey);
  // What is missing or damaged is for `storage repair`, which writes it from the row.
  const made = { ...learned, derived: [...derived], removedTexts: [...(seen.removedTexts ?? [])] };
  if (typeof known !== 'string') await writeMetadata(root, seen.storageKey, { ...known, ...made });
  return writeRow(strapi, seen, derived, trx, learned);
}

/** Undoes what was written beside a film that is not there any more, and what of these files has gone with it to the trash. */
export async function withdrawDerived(
  strapi: Core.Strapi,
  { documentId, storageKey }: Seen,
  names: readonly string[] = [],
): Promise<void> {
  const { root } = getService(strapi, 'storage');
  const now = await getService(strapi, 'asset').findById(documentId);
  // It lies there still: who tries again writes it anew.
  if (now && now.state !== 'trashed' && now.storageKey === storageKey) return;
  await rm(pathOfKey(root, metadataKeyOf(storageKey)), { force: true });
  await pruneEmptyParents(root, storageKey);
  if (!now?.trashKey) return;
  const listed = new Set(now.derived?.map(({ name }) => name));
  for (const name of names.filter((one) => !listed.has(one))) {
    const key = derivedKeyOf(now.trashKey, name);
    await rm(pathOfKey(root, key), { force: true });
    await pruneEmptyParents(root, key);
  }
}
