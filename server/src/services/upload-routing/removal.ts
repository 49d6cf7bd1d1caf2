import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import { z } from 'zod';
import { VIDEO_UID } from '../../content-types/uids';
import { FILE_UID } from '../protected-mark';
import type { UploadFile } from './provider';

const relatedSchema = z.object({
  related: z.array(z.object({ __type: z.string(), title: z.string().nullish(), publishedAt: z.unknown() })).catch([]),
});

/** Of the published videos that have this Media Library file as their source. */
export async function publishedTitles(strapi: Core.Strapi, fileId: number): Promise<string[]> {
  const row: unknown = await strapi.db.query(FILE_UID).findOne({ where: { id: fileId }, populate: { related: true } });
  const { related } = relatedSchema.catch({ related: [] }).parse(row);
  const published = related.filter((entry) => entry.__type === VIDEO_UID && entry.publishedAt);
  return [...new Set(published.map((entry) => entry.title ?? 'untitled'))];
}

/** `?force=true` on an admin's request. */
function isForced(strapi: Core.Strapi): boolean {
  const ctx = strapi.requestContext.get();
  return ctx?.state.route?.info?.type === 'admin' && ctx.query.force === 'true';
}

/**
 * Throws an ApplicationError (`film-in-use`) if the request would take a film away from a published video and does not
 * insist. Code outside a request is not asked: it goes to the trash and can be restored.
 */
export async function refuseIfPublished(strapi: Core.Strapi, file: UploadFile): Promise<void> {
  if (file.id === undefined || !strapi.requestContext.get() || isForced(strapi)) return;
  const titles = await publishedTitles(strapi, file.id);
  if (titles.length === 0) return;
  const shown = titles.map((title) => `“${title}”`).join(', ');
  throw new errors.ApplicationError(
    `“${file.name}” is used by a published video: ${shown}. Unpublish it or give it another source first.`,
    { code: 'film-in-use' },
  );
}
