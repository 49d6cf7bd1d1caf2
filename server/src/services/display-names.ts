import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { VIDEO_UID } from '../content-types/uids';

const USER_UID = 'plugin::users-permissions.user';

const userSchema = z.object({ id: z.coerce.string(), username: z.string() });
const videoSchema = z.object({ documentId: z.string(), title: z.string() });

/** User names by id, of those that exist. */
export async function userNames(strapi: Core.Strapi, ids: Iterable<string>): Promise<Map<string, string>> {
  const distinct = [...new Set(ids)];
  if (distinct.length === 0 || !strapi.plugin('users-permissions')) return new Map();
  const found: unknown[] = await strapi.db
    .query(USER_UID)
    .findMany({ where: { id: { $in: distinct } }, select: ['id', 'username'] });
  return new Map(found.flatMap((row) => userSchema.safeParse(row).data ?? []).map((user) => [user.id, user.username]));
}

/** Titles by documentId, of published entries. */
export async function videoTitles(strapi: Core.Strapi, documentIds: Iterable<string>): Promise<Map<string, string>> {
  const distinct = [...new Set(documentIds)];
  if (distinct.length === 0) return new Map();
  const found: unknown[] = await strapi.db.query(VIDEO_UID).findMany({
    where: { documentId: { $in: distinct }, publishedAt: { $notNull: true } },
    select: ['documentId', 'title'],
  });
  const videos = found.flatMap((row) => videoSchema.safeParse(row).data ?? []);
  return new Map(videos.map((video) => [video.documentId, video.title]));
}
