import type { Core } from '@strapi/strapi';
import { type AssetEntry, documentIdSchema, INGEST_REASONS } from '../../contracts';
import type { Asset } from './asset';
import { getService } from './get-service';
import type { JobRow } from './ingest/job-row';
import { assetsBehind } from './storage-care/where';

export interface AssetOverviewService {
  /** Behind a video, a Media Library file, or the asset itself; `[]`: there is none. */
  behind(documentId: string): Promise<AssetEntry[]>;
}

function jobEntry({ kind, state, reason, progress, attempt, failures }: JobRow): AssetEntry['jobs'][number] {
  const sentence = reason === null ? null : INGEST_REASONS[reason];
  return { kind, state, reason, sentence, progress, attempts: attempt, failures };
}

function assetEntry(asset: Asset, jobs: readonly JobRow[]): AssetEntry {
  const { documentId: id, state, reason = null, fileName, sizeBytes, durationSeconds, derived } = asset;
  const made = derived?.map(({ name }) => name) ?? [];
  return { id, state, reason, fileName, sizeBytes, durationSeconds, made, jobs: jobs.map(jobEntry) };
}

/** What administrators may know of stored films: no key, no hash, no place. */
export function createAssetOverviewService({ strapi }: { strapi: Core.Strapi }): AssetOverviewService {
  return {
    async behind(documentId) {
      if (!documentIdSchema.safeParse(documentId).success) return [];
      const entries: AssetEntry[] = [];
      for (const id of await assetsBehind(strapi, documentId)) {
        const asset = await getService(strapi, 'asset').findById(id);
        if (asset) entries.push(assetEntry(asset, await getService(strapi, 'ingest').store.ofAsset(id)));
      }
      return entries;
    },
  };
}
