import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { VIDEO_UID } from '../content-types/uids';

const rowSchema = z.object({
  id: z.number(),
  documentId: z.string(),
  source: z.object({ id: z.number() }).nullish(),
  allowedRoles: z.unknown(),
  availableFrom: z.unknown(),
  availableUntil: z.unknown(),
  downloadable: z.unknown(),
});

/**
 * Gives what is published in the other locales the source and the access fields of what was published last. Strapi
 * copies fields that are not localised to other drafts only, so the old rule would go on to hold for whoever asks for
 * another language (S10).
 */
export async function alignPublishedLocales(strapi: Core.Strapi, documentId: string): Promise<void> {
  const found: unknown[] = await strapi.db.query(VIDEO_UID).findMany({
    where: { documentId, publishedAt: { $notNull: true } },
    populate: { source: true },
    orderBy: [{ publishedAt: 'desc' }, { id: 'desc' }],
  });
  const [newest, ...others] = z.array(rowSchema).parse(found);
  if (!newest) return;
  const { id: _id, documentId: _documentId, source, ...access } = newest;
  for (const { id } of others) {
    await strapi.db.query(VIDEO_UID).update({ where: { id }, data: { ...access, source: source?.id ?? null } });
  }
}
