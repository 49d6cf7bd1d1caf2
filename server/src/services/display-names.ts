import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { AuditParty } from '../../contracts';
import { GUEST_LINK_UID, VIDEO_UID } from '../content-types/uids';

const USER_UID = 'plugin::users-permissions.user';

const userSchema = z.object({ id: z.coerce.string(), username: z.string() });
const adminSchema = z.object({
  id: z.coerce.string(),
  firstname: z.string().nullish(),
  lastname: z.string().nullish(),
  username: z.string().nullish(),
});
const linkSchema = z.object({ documentId: z.string(), label: z.string() });
const videoSchema = z.object({ documentId: z.string(), title: z.string() });

/** User names by id, of those that exist. */
async function userNames(strapi: Core.Strapi, ids: Iterable<string>): Promise<Map<string, string>> {
  const distinct = [...new Set(ids)];
  if (distinct.length === 0 || !strapi.plugin('users-permissions')) return new Map();
  const found: unknown[] = await strapi.db
    .query(USER_UID)
    .findMany({ where: { id: { $in: distinct } }, select: ['id', 'username'] });
  return new Map(found.flatMap((row) => userSchema.safeParse(row).data ?? []).map((user) => [user.id, user.username]));
}

/** Names of administrators by id, of those that exist and have one. */
export async function adminNames(strapi: Core.Strapi, ids: Iterable<string>): Promise<Map<string, string>> {
  const distinct = [...new Set(ids)];
  if (distinct.length === 0) return new Map();
  const found: unknown[] = await strapi.db
    .query('admin::user')
    .findMany({ where: { id: { $in: distinct } }, select: ['id', 'firstname', 'lastname', 'username'] });
  const admins = found.flatMap((row) => adminSchema.safeParse(row).data ?? []);
  return new Map(
    admins.flatMap(({ id, firstname, lastname, username }) => {
      const name = [firstname, lastname].filter(Boolean).join(' ') || username;
      return name ? [[id, name]] : [];
    }),
  );
}

/** Labels of guest links by id, of those that exist and have one. */
async function guestLinkLabels(strapi: Core.Strapi, ids: Iterable<string>): Promise<Map<string, string>> {
  const distinct = [...new Set(ids)];
  if (distinct.length === 0) return new Map();
  const found: unknown[] = await strapi.db
    .query(GUEST_LINK_UID)
    .findMany({ where: { documentId: { $in: distinct } }, select: ['documentId', 'label'] });
  const links = found.flatMap((row) => linkSchema.safeParse(row).data ?? []);
  return new Map(links.map((link) => [link.documentId, link.label]));
}

const NAMED = { user: userNames, admin: adminNames, 'guest-link': guestLinkLabels };

/** What viewers are called, where they are called something. Each kind has ids of its own; subjects have nothing else. */
export async function viewerNames(
  strapi: Core.Strapi,
  viewers: readonly AuditParty[],
): Promise<(viewer: AuditParty) => string | null> {
  const names = new Map<string, Map<string, string>>();
  for (const [kind, read] of Object.entries(NAMED)) {
    const ids = viewers.flatMap((viewer) => (viewer.kind === kind ? (viewer.id ?? []) : []));
    names.set(kind, await read(strapi, ids));
  }
  return ({ kind, id }) => names.get(kind)?.get(id ?? '') ?? null;
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
