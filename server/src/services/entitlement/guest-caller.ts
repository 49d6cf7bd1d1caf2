import type { Core } from '@strapi/strapi';
import { GUEST_LINK_UID } from '../../content-types/uids';
import { batched } from '../batch';
import { denialOfLink, guestLinkSchema, identifiedLinkSchema } from '../guest-links/link';
import type { Caller } from './caller';
import { type Denial, deny } from './decision';

/** Guest links as they are now, those that are asked for together in one query (S8). */
export function createGuestCallers(strapi: Core.Strapi): (linkId: string) => Promise<Caller | Denial> {
  const links = batched(async (ids: string[]) => {
    const found: unknown[] = await strapi.db.query(GUEST_LINK_UID).findMany({ where: { documentId: { $in: ids } } });
    return new Map(found.map((row) => [identifiedLinkSchema.parse(row).documentId, row]));
  });
  return async (linkId) => {
    const row = await links(linkId);
    if (row === null) return deny('guest-link-gone', 'link-refused');
    const link = guestLinkSchema.parse(row);
    return denialOfLink(link, Date.now()) ?? { allow: true, role: null, privilege: { kind: 'guest', link } };
  };
}
