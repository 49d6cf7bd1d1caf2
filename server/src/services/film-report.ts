import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { type AssetEntry, assetIdSchema } from '../../contracts';
import { ASSET_UID, VIDEO_UID } from '../content-types/uids';
import { tracksSchema } from '../storage/metadata';
import { judgedSchema } from './asset-judgement';
import { FILE_UID, markedAsset, protectedMark } from './protected-mark';

const rowSchema = z.object({
  documentId: assetIdSchema,
  fileName: z.string(),
  mime: z.string(),
  // SQLite and MySQL give big integers as text.
  sizeBytes: z.coerce.number().int(),
  durationSeconds: z.number(),
  tracks: tracksSchema.nullish().catch(null),
  state: z.enum(['ready', 'trashed']),
  ...judgedSchema.shape,
});

/** Strapi's own right to look at files of the Media Library. */
const READ_FILES = 'plugin::upload.read';

/** CASL, as Strapi's admin asks it. */
export interface AdminAbility {
  can(action: string, subject?: unknown): boolean;
}

function entryOf(row: unknown): AssetEntry {
  const {
    documentId: id,
    tracks,
    verdict = null,
    verdictReason = null,
    verdictSentence = null,
    ...rest
  } = rowSchema.parse(row);
  return { id, ...rest, tracks: tracks ?? [], verdict, verdictReason, verdictSentence };
}

/** What editors are told of stored films: what is in them, and what became of them. */
export function createFilmReportService({ strapi }: { strapi: Core.Strapi }) {
  /** Films stand in the Media Library as files: who may look at one of those may read about the film. */
  async function mayRead(assetId: string, ability: AdminAbility): Promise<boolean> {
    const files = await strapi.db
      .query(FILE_UID)
      .findMany({ where: { url: protectedMark(assetId).url }, populate: { createdBy: { populate: ['roles'] } } });
    const manager = strapi
      .service('admin::permission')
      .createPermissionsManager({ ability, action: READ_FILES, model: FILE_UID });
    return files.some((file) => ability.can(READ_FILES, manager.toSubject(file)));
  }

  async function read(assetIds: string[]): Promise<AssetEntry[]> {
    const where = { documentId: { $in: assetIds } };
    return (await strapi.db.query(ASSET_UID).findMany({ where, orderBy: { id: 'asc' } })).map(entryOf);
  }

  async function readPermitted(assetIds: string[], ability: AdminAbility): Promise<AssetEntry[]> {
    const entries = await read(assetIds);
    const permitted = await Promise.all(entries.map(({ id }) => mayRead(id, ability)));
    return entries.filter((_, index) => permitted[index]);
  }

  return {
    /** Without asking who wants to know. */
    read,

    /** Null: there is none, or it is not for this administrator. */
    async findOne(assetId: string, ability: AdminAbility): Promise<AssetEntry | null> {
      if (!assetIdSchema.safeParse(assetId).success) return null;
      return (await readPermitted([assetId], ability))[0] ?? null;
    },

    /** The films of a video, of its draft and of what is published, in all locales. */
    async ofVideo(documentId: string, ability: AdminAbility): Promise<AssetEntry[]> {
      const rows = await strapi.db.query(VIDEO_UID).findMany({ where: { documentId }, populate: { source: true } });
      const ids = rows.map(({ source }) => markedAsset(source)).filter((id) => id !== null);
      return readPermitted([...new Set(ids)], ability);
    },
  };
}
