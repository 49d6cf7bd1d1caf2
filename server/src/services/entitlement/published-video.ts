import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { VIDEO_UID } from '../../content-types/uids';
import { batched } from '../batch';

const publishedVideoSchema = z.object({
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

export type PublishedVideo = z.infer<typeof publishedVideoSchema>;

/** Throws where the row cannot be read: fail closed. */
export function parsePublishedVideo(row: unknown): PublishedVideo {
  return publishedVideoSchema.parse(row);
}

const identifiedSchema = z.object({ documentId: z.string() });

/** The published rows in one locale. */
function rowsIn(strapi: Core.Strapi, locale: string | null) {
  return batched(async (documentIds: string[]) => {
    const found: unknown[] = await strapi.documents(VIDEO_UID).findMany({
      filters: { documentId: { $in: documentIds } },
      status: 'published',
      ...(locale === null ? {} : { locale }),
      populate: ['source', 'poster'],
    });
    return new Map(found.map((row) => [identifiedSchema.parse(row).documentId, row]));
  });
}

/**
 * The published row of an entry in one locale (null: the default one), or null. Entries that are asked for together are
 * read together. Throws where one cannot be read: fail closed.
 */
export function createPublishedVideos(strapi: Core.Strapi) {
  const locales = new Map<string | null, ReturnType<typeof rowsIn>>();
  return async (documentId: string, locale: string | null): Promise<PublishedVideo | null> => {
    const rows = locales.get(locale) ?? rowsIn(strapi, locale);
    locales.set(locale, rows);
    return publishedVideoSchema.nullable().parse(await rows(documentId));
  };
}

export function assetIdOf(video: PublishedVideo): string | null {
  return video.source?.provider_metadata?.protectedVod.assetId ?? null;
}
