import type { Core } from '@strapi/strapi';
import type { GuestLinkEntry } from '../../../contracts';
import { adminNames, videoTitles } from '../display-names';
import { getService } from '../get-service';
import type { GuestLink } from './link';

function stateOf({ revokedAt, expiresAt }: GuestLink, viewsLeft: number | null, now: number): GuestLinkEntry['state'] {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt <= now) return 'expired';
  return viewsLeft === 0 ? 'used-up' : 'active';
}

const instant = (at: number) => new Date(at).toISOString();

/** Links as administrators see them. Nothing that is told here opens one. */
export async function entriesOf(strapi: Core.Strapi, links: readonly GuestLink[]): Promise<GuestLinkEntry[]> {
  if (links.length === 0) return [];
  const now = Date.now();
  const had = await getService(strapi, 'playback-session').views.counts(
    links.map(({ documentId }) => `guest-link:${documentId}`),
  );
  const videos = links.map(({ video }) => video);
  const titles = await videoTitles(strapi, videos);
  const names = await adminNames(
    strapi,
    links.flatMap(({ madeBy, revokedBy }) => [madeBy, revokedBy].filter((id) => id !== null)),
  );
  const administrator = (id: string | null) => (id === null ? null : { id, name: names.get(id) ?? null });
  return links.map((link) => {
    const { documentId: id, label, video, maxViews, revokedAt } = link;
    const left = maxViews === null ? null : Math.max(0, maxViews - (had.get(`guest-link:${id}`) ?? 0));
    return {
      id,
      label,
      video: { documentId: video, title: titles.get(video) ?? null },
      state: stateOf(link, left, now),
      createdAt: instant(link.madeAt),
      expiresAt: instant(link.expiresAt),
      revokedAt: revokedAt === null ? null : instant(revokedAt),
      views: maxViews === null || left === null ? null : { limit: maxViews, left },
      hasPassword: link.passwordHash !== null,
      download: link.download,
      madeBy: administrator(link.madeBy),
      revokedBy: administrator(link.revokedBy),
    };
  });
}
