import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { VIDEO_UID } from '../../../content-types/uids';
import { keyOfFilm } from '../../../storage/moving/ledger';
import { hasErrno } from '../../../storage/storage-error';
import { openKey } from '../../../storage/storage-root';
import { getService } from '../../get-service';
import { FILE_UID, protectedMark } from '../../protected-mark';
import { createLedger, type FilmRow } from '../../storage-care/ledger';

const HEAD_BYTES = 256;
const SAMPLE = 20;

const fileSchema = z.object({
  id: z.number(),
  documentId: z.string(),
  name: z.string(),
  hash: z.string().nullish(),
  ext: z.string().nullish(),
});

/** What a stranger could know of a film's Media Library row: REST tells all of it. */
export type MediaFile = z.infer<typeof fileSchema>;

export interface ProtectedFilm {
  assetId: string;
  fileName: string;
  /** Where it lies now. */
  key: string;
  /** Its first bytes; empty: it is not there. */
  head: Buffer;
  files: MediaFile[];
  /** `documentId` of videos that show it, published or not: what RTMP names a film by. */
  videos: string[];
}

async function headOf(strapi: Core.Strapi, key: string): Promise<Buffer> {
  const { root } = getService(strapi, 'storage');
  try {
    const handle = await openKey(root, key);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (hasErrno(error, 'storage-missing')) return Buffer.alloc(0);
    throw error;
  }
}

const videoSchema = z.object({ documentId: z.string() });

async function videosOf(strapi: Core.Strapi, files: MediaFile[]): Promise<string[]> {
  if (files.length === 0) return [];
  const where = { source: { id: { $in: files.map(({ id }) => id) } } };
  const rows: unknown = await strapi.db.query(VIDEO_UID).findMany({ where, select: ['documentId'], limit: 5 });
  return [
    ...new Set(
      z
        .array(videoSchema)
        .parse(rows)
        .map(({ documentId }) => documentId),
    ),
  ];
}

async function complete(strapi: Core.Strapi, row: FilmRow): Promise<ProtectedFilm> {
  const { assetId, fileName } = row;
  const { url } = protectedMark(assetId);
  const rows: unknown = await strapi.db.query(FILE_UID).findMany({ where: { url }, limit: 5 });
  const files = z.array(fileSchema).parse(rows);
  const key = keyOfFilm(row);
  return { assetId, fileName, key, head: await headOf(strapi, key), files, videos: await videosOf(strapi, files) };
}

/** All films, or some spread over all of them, the newest included. */
export async function* protectedFilms(strapi: Core.Strapi, isThorough: boolean): AsyncGenerator<ProtectedFilm> {
  const ledger = createLedger(strapi);
  const total = await ledger.count();
  const step = isThorough ? 1 : Math.max(1, Math.ceil(total / SAMPLE));
  let at = 0;
  for await (const row of ledger.films()) {
    at += 1;
    if ((total - at) % step === 0 || at > total) yield complete(strapi, row);
  }
}
