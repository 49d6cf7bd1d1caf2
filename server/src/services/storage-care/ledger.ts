import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { ASSET_STATES, assetIdSchema, derivedFileSchema } from '../../../contracts';
import { ASSET_UID } from '../../content-types/uids';
import { tracksSchema } from '../../storage/metadata';
import type { FilmLedger, StoredFilm } from '../../storage/moving/ledger';
import { judgedSchema, judgementOf } from '../asset-judgement';
import { getService } from '../get-service';
import { retryingDeadlocks } from '../playback-session/deadlock';
import { rowsInOrder } from '../rows-in-order';

const TABLE = 'protected_vod_assets';

const rowSchema = z
  .object({
    id: z.number(),
    documentId: assetIdSchema,
    storageKey: z.string(),
    fileName: z.string(),
    mime: z.string(),
    // SQLite and MySQL give big integers as text.
    sizeBytes: z.coerce.number().int(),
    sha256: z.string(),
    durationSeconds: z.number(),
    state: z.enum(ASSET_STATES),
    trashKey: z.string().nullable(),
    movingTo: z.string().nullable(),
    movedFrom: z.string().nullable(),
    reason: z.string().nullish(),
    updatedAt: z.coerce.date(),
    tracks: tracksSchema.optional().catch(undefined),
    derived: z.array(derivedFileSchema).nullish().catch(null),
    removedTexts: z.array(z.string()).nullish().catch(null),
    ...judgedSchema.shape,
  })
  .transform(
    ({ documentId: assetId, tracks, derived, removedTexts, verdict, verdictReason, verdictSentence, ...row }) => {
      const judgement = judgementOf({ verdict, verdictReason, verdictSentence });
      const made = { derived: derived ?? [], removedTexts: removedTexts ?? [] };
      return { assetId, ...row, ...(tracks && { tracks }), ...(judgement && { judgement }), ...made };
    },
  );

const keySchema = z.string().min(1).nullish().catch(null);

/** Whatever else is wrong with it. */
const unreadableSchema = z
  .object({
    id: z.number(),
    documentId: assetIdSchema.nullable().catch(null),
    trashKey: keySchema,
    storageKey: keySchema,
    movingTo: keySchema,
    movedFrom: keySchema,
  })
  .transform(({ id, documentId: assetId, trashKey, storageKey, movingTo, movedFrom }) => {
    const keys = [trashKey, storageKey, movingTo, movedFrom].filter((key) => typeof key === 'string');
    return { isUnreadable: true as const, id, assetId, keys };
  });

/** A row that does not say what it should. What lies under its keys is nobody else's all the same. */
export type UnreadableRow = z.infer<typeof unreadableSchema>;

export type FilmRow = StoredFilm & { id: number; reason?: string | null | undefined; updatedAt: Date };

export interface DatabaseLedger extends FilmLedger {
  find(assetId: string): Promise<FilmRow | null>;
  /** Whether there is a row of this id, readable or not. */
  has(assetId: string): Promise<boolean>;
  /** All rows in their order; what comes in meanwhile may be among them. */
  rows(): AsyncGenerator<FilmRow | UnreadableRow>;
  /** Those of them that can be read. */
  films(): AsyncGenerator<FilmRow>;
  count(): Promise<number>;
}

/**
 * The asset rows, as moves write them. A film's place is no right: whoever watches goes on under the old name, so no
 * lease is made due here.
 */
export function createLedger(strapi: Core.Strapi): DatabaseLedger {
  const query = () => strapi.db.query(ASSET_UID);
  const table = () => strapi.db.getConnection(TABLE);

  /** One row, only while it says what `film` does. */
  async function update(film: StoredFilm, change: Record<string, string | null>): Promise<boolean> {
    const where = { document_id: film.assetId, storage_key: film.storageKey, state: film.state };
    return (await retryingDeadlocks(() => table().where(where).update(change))) > 0;
  }

  const rows = () =>
    rowsInOrder<FilmRow | UnreadableRow>(
      strapi,
      ASSET_UID,
      {},
      (row) => rowSchema.safeParse(row).data ?? unreadableSchema.parse(row),
    );

  return {
    async find(assetId) {
      return rowSchema.nullable().parse(await query().findOne({ where: { documentId: assetId } }));
    },
    has: async (assetId) => (await query().count({ where: { documentId: assetId } })) > 0,
    rows,
    async *films() {
      for await (const row of rows()) if (!('isUnreadable' in row)) yield row;
    },
    count: () => query().count(),
    isKeyTaken: (key) => getService(strapi, 'asset').isKeyTaken(key),
    promise: (film, key) => update(film, { moving_to: key }),
    commit: (film, key) => update(film, { storage_key: key, moving_to: null, moved_from: film.storageKey }),
    async forget(assetId, oldKey) {
      const where = { document_id: assetId, moved_from: oldKey };
      await retryingDeadlocks(() => table().where(where).update({ moved_from: null }));
    },
  };
}
