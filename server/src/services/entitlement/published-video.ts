import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { VIDEO_UID } from '../../content-types/uids';

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

/** The published row of an entry in one locale, or null. Throws where it cannot be read: fail closed. */
export async function findPublishedVideo(
  strapi: Core.Strapi,
  documentId: string,
  locale: string | null,
): Promise<PublishedVideo | null> {
  const found: unknown = await strapi.documents(VIDEO_UID).findOne({
    documentId,
    status: 'published',
    ...(locale === null ? {} : { locale }),
    populate: ['source', 'poster'],
  });
  return publishedVideoSchema.nullable().parse(found);
}

export function assetIdOf(video: PublishedVideo): string | null {
  return video.source?.provider_metadata?.protectedVod.assetId ?? null;
}
