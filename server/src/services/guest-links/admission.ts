import type { IncomingMessage } from 'node:http';
import type { Core } from '@strapi/strapi';
import type { DenyReason, GuestAdmission } from '../../../contracts';
import { GUEST_LINK_UID } from '../../content-types/uids';
import { hashGuestLinkSecret } from '../../tokens/guest-link-secret';
import { isGuestPassword } from '../../tokens/guest-password';
import { requesterPrefix } from '../audit/requester';
import { getService } from '../get-service';
import type { HashingQueue } from './hashing';
import { denialOfLink, type GuestLink, guestLinkSchema } from './link';

/** `later`: nothing was decided. */
export type Admission =
  | { outcome: 'admitted'; link: GuestLink }
  | { outcome: 'refused'; refusal: 'link-refused' | 'password-required' }
  | { outcome: 'later'; retryAfterSeconds: number };

const REFUSED = { outcome: 'refused', refusal: 'link-refused' } as const;
const BUSY = { outcome: 'later', retryAfterSeconds: 1 } as const;

/**
 * Says one thing to whoever has no right: a link that never was, one that is over and a wrong password look alike. That
 * a password is needed is told to who shows a link that is good, and nobody finds one by trying (192 random bits).
 */
export function createAdmission(strapi: Core.Strapi, hashing: HashingQueue) {
  const refused = ({ documentId: id, video }: GuestLink, reason: DenyReason): Admission => {
    const clientPrefix = requesterPrefix(strapi);
    const origin = { kind: 'guest-link', id };
    getService(strapi, 'audit').record({ kind: 'refusal', origin, video, reason, clientPrefix });
    return REFUSED;
  };

  return async ({ link: secret, password }: GuestAdmission, request: IncomingMessage): Promise<Admission> => {
    const where = { secretHash: hashGuestLinkSecret(secret) };
    const link = guestLinkSchema.nullable().parse(await strapi.db.query(GUEST_LINK_UID).findOne({ where }));
    if (!link) {
      getService(strapi, 'audit').countUnknownCredential();
      return REFUSED;
    }
    const denial = denialOfLink(link, Date.now());
    if (denial) return refused(link, denial.reason);
    const { passwordHash } = link;
    if (passwordHash === null) return { outcome: 'admitted', link };
    if (password === undefined) return { outcome: 'refused', refusal: 'password-required' };
    const limit = getService(strapi, 'rate-limits').guestPassword(request, link.documentId);
    // Before it waits in the queue, where it would stand in the way of others.
    const retryAfterSeconds = limit.lockedForSeconds();
    if (retryAfterSeconds !== null) return { outcome: 'later', retryAfterSeconds };
    const comparing = hashing.run(() => limit.compare(() => isGuestPassword(password, passwordHash)));
    if (comparing === null) return BUSY;
    const comparison = await comparing;
    if (comparison.outcome === 'right') return { outcome: 'admitted', link };
    if (comparison.outcome === 'wrong') return refused(link, 'guest-password-wrong');
    return { outcome: 'later', retryAfterSeconds: comparison.retryAfterSeconds };
  };
}
