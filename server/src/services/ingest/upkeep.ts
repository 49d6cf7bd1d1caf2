import type { Core } from '@strapi/strapi';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { INGEST_KINDS, type IngestKind, isUploadedText, jobIdSchema } from '../../../contracts';
import { configOf } from '../../config';
import { abandonedScratch, removeScratch } from '../../storage/ingest-area';
import { afterCommit } from '../after-commit';
import type { Asset } from '../asset';
import { getService } from '../get-service';
import { saveDerived, withdrawDerived } from './derived-files';
import type { JobStore } from './job-store';
import { KIND_PLANS, kindOfOutput, kindsFor } from './kinds';
import type { LadderFilm } from './ladder';

const ASSETS = 'protected_vod_assets';
const JOBS = 'protected_vod_ingest_jobs';
const ROWS_AT_ONCE = 200;
/** A worker that lost its job cleans up behind itself; what is older was left by one that died. */
const ABANDONED_AFTER_MS = 3_600_000;
const MAX_ATTEMPTS = 5;

/** Beyond so many, films are looked at again. */
const MAX_UNSUITED = 100_000;

/** `updated_at`: whatever the database makes of it, to the millisecond; another one once the row has changed. */
const identifiedSchema = z.object({
  id: z.coerce.number(),
  document_id: z.string(),
  updated_at: z.unknown().transform((value) => (value instanceof Date ? value.toISOString() : String(value))),
});

type Film = Pick<Asset, 'documentId'> & LadderFilm;

export interface IngestUpkeep {
  /** Whatever can be made of a film that was stored is to be made. Never throws: the film can be watched without it. */
  enqueue(asset: Film): Promise<void>;
  /** The film went to the trash: whoever is at work on it hears so with the next report. */
  cancel(assetId: string): Promise<void>;
  /** The film came back from there: what was not made before is to be made. */
  resume(asset: Asset): Promise<void>;
  /** The film is gone for good. */
  forget(assetId: string): Promise<void>;
  /** Files of these names are not what they should be: they are forgotten, and made once more. */
  remake(assetId: string, names: readonly string[]): Promise<void>;
  /** Jobs for films that have none: stored by an earlier version, or brought back by `storage rebuild`. */
  backfill(): Promise<void>;
  /** What dead workers have left. */
  sweep(): Promise<void>;
  /** The files of a job that is over. */
  discard(jobId: string): Promise<void>;
}

export function createUpkeep(strapi: Core.Strapi, store: JobStore): IngestUpkeep {
  const root = () => getService(strapi, 'storage').root;
  const wake = () => getService(strapi, 'ingest-worker').wake();
  const settings = configOf(strapi).ingest;

  async function add(asset: Film): Promise<void> {
    try {
      await store.add(asset.documentId, kindsFor(asset, settings));
      wake();
    } catch (error) {
      strapi.log.error(error);
    }
  }

  async function withoutJob(kind: IngestKind, afterId: number): Promise<z.infer<typeof identifiedSchema>[]> {
    const hasJob = strapi.db
      .getConnection(JOBS)
      .select('id')
      .where({ kind })
      .whereRaw('?? = ??', [`${JOBS}.asset`, `${ASSETS}.document_id`]);
    const rows: unknown[] = await strapi.db
      .getConnection(ASSETS)
      .select('id', 'document_id', 'updated_at')
      .where({ state: 'ready' })
      .where('id', '>', afterId)
      .whereNotExists(hasJob)
      .orderBy('id')
      .limit(ROWS_AT_ONCE);
    return rows.map((row) => identifiedSchema.parse(row));
  }

  /** Films of which such a kind is never made: each hour they have no job, and are read once all the same. */
  const unsuited = new LRUCache<string, true>({ max: MAX_UNSUITED });

  async function backfillKind(kind: IngestKind): Promise<void> {
    for (let afterId = 0; ; ) {
      const page = await withoutJob(kind, afterId);
      for (const { id, document_id, updated_at } of page) {
        afterId = id;
        const known = `${kind} ${document_id} ${updated_at}`;
        if (unsuited.has(known)) continue;
        const asset = await getService(strapi, 'asset').findById(document_id);
        if (asset === null) continue;
        if (KIND_PLANS[kind].suits(asset, settings)) await store.add(asset.documentId, [kind]);
        else unsuited.set(known, true);
      }
      if (page.length < ROWS_AT_ONCE) return;
    }
  }

  async function forgetFiles(assetId: string, kinds: ReadonlySet<IngestKind>): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const asset = await getService(strapi, 'asset').findById(assetId);
      if (asset?.state !== 'ready') return;
      const isKept = (name: string) => {
        const kind = kindOfOutput(name);
        // What somebody uploaded is there once: no job makes it anew.
        return isUploadedText(name) || (kind !== null && !kinds.has(kind));
      };
      const kept = (asset.derived ?? []).filter(({ name }) => isKept(name));
      if (await saveDerived(strapi, asset, kept, null)) return;
      await withdrawDerived(strapi, asset);
    }
  }

  return {
    // There is no job for a film that was never stored.
    enqueue: (asset) => afterCommit(strapi, () => add(asset)),
    cancel: (assetId) => store.cancel(assetId),
    async resume(asset) {
      const made = new Set(asset.derived?.map(({ name }) => name));
      const done = new Set(
        (await store.ofAsset(asset.documentId)).filter(({ state }) => state === 'done').map(({ kind }) => kind),
      );
      const isMade = (kind: IngestKind) => {
        const { outputs, areTexts } = KIND_PLANS[kind];
        // What an editor took away stays away.
        return areTexts ? done.has(kind) : outputs.every((name) => made.has(name));
      };
      const missing = kindsFor(asset, settings).filter((kind) => !isMade(kind));
      await store.renewKinds(asset.documentId, missing);
      await add(asset);
    },
    forget: (assetId) => store.remove(assetId),
    async remake(assetId, names) {
      const kinds = new Set(names.flatMap((name) => kindOfOutput(name) ?? []));
      await forgetFiles(assetId, kinds);
      await store.renewKinds(assetId, [...kinds]);
      wake();
    },
    async backfill() {
      for (const kind of INGEST_KINDS) await backfillKind(kind);
      wake();
    },
    async sweep() {
      const found = await abandonedScratch(root(), new Date(Date.now() - ABANDONED_AFTER_MS));
      const ids = found.filter((name) => jobIdSchema.safeParse(name).success);
      const active = await store.active(ids);
      for (const id of ids) if (!active.has(id)) await removeScratch(root(), id);
    },
    discard: (jobId) => removeScratch(root(), jobId),
  };
}
