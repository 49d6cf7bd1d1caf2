import type { Core } from '@strapi/strapi';
import type { DerivedFile } from '../../../contracts';
import { readMetadata, writeMetadata } from '../../storage/metadata';
import type { Asset } from '../asset';
import { getService } from '../get-service';
import type { Transaction } from '../playback-session/transaction';

const TABLE = 'protected_vod_assets';

/** An asset as it was when somebody looked. */
export type Seen = Pick<Asset, 'documentId' | 'storageKey' | 'derivedRevision'>;

/**
 * Says what was made of a film. False: it was moved, trashed or changed since it was seen, and nothing is written. Makes no
 * lease due: what was made gives and takes no right.
 */
export async function setDerived(
  strapi: Core.Strapi,
  { documentId, storageKey, derivedRevision }: Seen,
  derived: readonly DerivedFile[],
  trx: Transaction | null,
): Promise<boolean> {
  const rows = strapi.db.getConnection(TABLE);
  const revision = derivedRevision ?? 0;
  const changed = await (trx ? rows.transacting(trx) : rows)
    .where({ document_id: documentId, storage_key: storageKey, state: 'ready' })
    // Films that were stored by an earlier version have none.
    .whereRaw('coalesce(??, 0) = ?', ['derived_revision', revision])
    .update({ derived: JSON.stringify(derived), derived_revision: revision + 1 });
  return changed === 1;
}

/** Tells the metadata file of it, so that a lost row comes back with all of it. */
export async function describeDerived(strapi: Core.Strapi, assetId: string): Promise<void> {
  const { root } = getService(strapi, 'storage');
  const asset = await getService(strapi, 'asset').findById(assetId);
  if (asset?.state !== 'ready') return;
  const known = await readMetadata(root, asset.storageKey);
  // What is missing or damaged is for `storage repair`, which writes it from the row.
  if (typeof known !== 'string')
    await writeMetadata(root, asset.storageKey, { ...known, derived: asset.derived ?? [] });
}
