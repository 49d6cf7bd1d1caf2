import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { VIDEO_UID } from '../../content-types/uids';
import { batched } from '../batch';

const videoRowSchema = z.object({
  locale: z.string().nullish(),
  /** `malformed`: an editor typed something else into the JSON field. */
  allowedRoles: z.union([z.array(z.string()).nullish(), z.unknown().transform(() => 'malformed' as const)]),
  availableFrom: z.coerce.date().nullish(),
  availableUntil: z.coerce.date().nullish(),
  downloadable: z.boolean().nullish(),
  source: z
    .object({
      provider_metadata: z
        .object({ protectedVod: z.object({ assetId: z.string() }) })
        .nullish()
        .catch(null),
    })
    .nullish(),
  poster: z.object({ url: z.string() }).nullish(),
});

export type VideoRow = z.infer<typeof videoRowSchema>;

/** Throws where the row cannot be read: fail closed. */
export function parseVideoRow(row: unknown): VideoRow {
  return videoRowSchema.parse(row);
}

const identifiedSchema = z.object({ documentId: z.string() });

/** Viewers get what is published; drafts are for editors alone (S10). */
export type VideoStatus = 'published' | 'draft';

/** The rows of one status in one locale. */
function rowsIn(strapi: Core.Strapi, status: VideoStatus, locale: string | null) {
  return batched(async (documentIds: string[]) => {
    const found: unknown[] = await strapi.documents(VIDEO_UID).findMany({
      filters: { documentId: { $in: documentIds } },
      status,
      ...(locale === null ? {} : { locale }),
      populate: ['source', 'poster'],
    });
    return new Map(found.map((row) => [identifiedSchema.parse(row).documentId, row]));
  });
}

/**
 * The row of an entry in one locale (null: the default one), or null. Entries that are asked for together are read
 * together. Throws where one cannot be read: fail closed.
 */
export function createVideoRows(strapi: Core.Strapi, status: VideoStatus) {
  const locales = new Map<string | null, ReturnType<typeof rowsIn>>();
  return async (documentId: string, locale: string | null): Promise<VideoRow | null> => {
    const rows = locales.get(locale) ?? rowsIn(strapi, status, locale);
    locales.set(locale, rows);
    return videoRowSchema.nullable().parse(await rows(documentId));
  };
}

export function assetIdOf(video: VideoRow): string | null {
  return video.source?.provider_metadata?.protectedVod.assetId ?? null;
}
