import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import {
  ASSET_STATES,
  type AssetEntry,
  assetIdSchema,
  derivedFileSchema,
  documentIdSchema,
  INGEST_REASONS,
} from '../../contracts';
import { ASSET_UID } from '../content-types/uids';
import { tracksSchema } from '../storage/metadata';
import { type AdminAbility, FILE_CREATOR, holdsForFile, READ_FILES } from './admin-rights';
import { judgedSchema } from './asset-judgement';
import { getService } from './get-service';
import type { JobRow } from './ingest/job-row';
import { FILE_UID, protectedMark } from './protected-mark';
import { assetsBehind } from './storage-care/where';

const rowSchema = z.object({
  documentId: assetIdSchema,
  state: z.enum(ASSET_STATES),
  reason: z.string().nullish(),
  fileName: z.string(),
  mime: z.string(),
  // SQLite and MySQL give big integers as text.
  sizeBytes: z.coerce.number().int(),
  durationSeconds: z.number(),
  tracks: tracksSchema.nullish().catch(null),
  derived: z.array(derivedFileSchema).nullish().catch(null),
  ...judgedSchema.shape,
});

function jobEntry({ kind, state, reason, progress, attempt, failures }: JobRow): AssetEntry['jobs'][number] {
  const sentence = reason === null ? null : INGEST_REASONS[reason];
  return { kind, state, reason, sentence, progress, attempts: attempt, failures };
}

function entryOf(row: unknown, jobs: readonly JobRow[]): AssetEntry {
  const { documentId: id, reason = null, tracks, derived, ...facts } = rowSchema.parse(row);
  const { verdict = null, verdictReason = null, verdictSentence = null, ...rest } = facts;
  const judged = { verdict, verdictReason, verdictSentence };
  const made = derived?.map(({ name }) => name) ?? [];
  return { id, ...rest, reason, tracks: tracks ?? [], ...judged, made, jobs: jobs.map(jobEntry) };
}

/** What administrators may know of stored films: no key, no hash, no place. */
export function createAssetOverviewService({ strapi }: { strapi: Core.Strapi }) {
  /** Films stand in the Media Library as files: who may do something with one of those may do it with the film. */
  async function permits(assetId: string, ability: AdminAbility, action: string): Promise<boolean> {
    const files = await strapi.db
      .query(FILE_UID)
      .findMany({ where: { url: protectedMark(assetId).url }, populate: FILE_CREATOR });
    return holdsForFile(strapi, { ability, action }, files);
  }

  async function read(assetIds: string[]): Promise<AssetEntry[]> {
    const where = { documentId: { $in: assetIds } };
    const rows: { documentId: string }[] = await strapi.db.query(ASSET_UID).findMany({ where, orderBy: { id: 'asc' } });
    const { store } = getService(strapi, 'ingest');
    return Promise.all(rows.map(async (row) => entryOf(row, await store.ofAsset(row.documentId))));
  }

  return {
    /** Without asking who wants to know. */
    read,

    permits,

    /** Behind a video, a Media Library file, or the asset itself; `[]`: there is none, or none for this administrator. */
    async behind(documentId: string, ability: AdminAbility): Promise<AssetEntry[]> {
      if (!documentIdSchema.safeParse(documentId).success) return [];
      const entries = await read(await assetsBehind(strapi, documentId));
      const permitted = await Promise.all(entries.map(({ id }) => permits(id, ability, READ_FILES)));
      return entries.filter((_, index) => permitted[index]);
    },
  };
}
