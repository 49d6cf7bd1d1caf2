import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Core } from '@strapi/strapi';
import type { GuestAdmission, GuestLinkEntry, GuestLinkQuery, NewGuestLink } from '../../../contracts';
import { GUEST_LINK_UID, VIDEO_UID } from '../../content-types/uids';
import { hashGuestLinkSecret, newGuestLinkSecret } from '../../tokens/guest-link-secret';
import { hashGuestPassword } from '../../tokens/guest-password';
import { getService } from '../get-service';
import { retryingDeadlocks } from '../playback-session/deadlock';
import { type Admission, createAdmission } from './admission';
import { createHashingQueue } from './hashing';
import { type GuestLink, guestLinkSchema } from './link';
import { entriesOf } from './listing';

const DEFAULT_LIFETIME_MS = 7 * 24 * 3600 * 1000;

export interface GuestLinksService {
  /** Published or not. */
  knowsVideo(documentId: string): Promise<boolean>;
  /** Null: too many passwords are being hashed. The secret is told here, and never again. */
  create(wanted: NewGuestLink, madeBy: string | null): Promise<{ entry: GuestLinkEntry; secret: string } | null>;
  list(query: GuestLinkQuery): Promise<{ data: GuestLinkEntry[]; next: number | null }>;
  find(id: string): Promise<GuestLinkEntry | null>;
  /** Whoever watches by it is cut off within two seconds. Null: there is no such link; a second time changes nothing. */
  revoke(id: string, revokedBy: string | null): Promise<GuestLinkEntry | null>;
  /** For good, and what is counted of it. What it opened ends like what a revoked one did. */
  remove(id: string): Promise<void>;
  /** Whether this secret and password open a link now. The link still has to be one that may watch; see `entitlement`. */
  admit(admission: GuestAdmission, request: IncomingMessage): Promise<Admission>;
}

/** Links by which editors let guests watch one video. Every write goes through Strapi, so that `revocation` hears of it. */
export function createGuestLinksService({ strapi }: { strapi: Core.Strapi }): GuestLinksService {
  const rows = () => strapi.db.query(GUEST_LINK_UID);
  const hashing = createHashingQueue();

  /** The leases are made due within: both become visible together (S6). */
  async function inOneWrite(write: () => Promise<unknown>): Promise<void> {
    await retryingDeadlocks(() => strapi.db.transaction(write));
  }

  async function findLink(id: string): Promise<GuestLink | null> {
    return guestLinkSchema.nullable().parse(await rows().findOne({ where: { documentId: id } }));
  }

  async function find(id: string): Promise<GuestLinkEntry | null> {
    const link = await findLink(id);
    return link ? ((await entriesOf(strapi, [link]))[0] ?? null) : null;
  }

  async function rowFrom(wanted: NewGuestLink, madeBy: string | null) {
    const { video, label, views, password, download } = wanted;
    const hash = password === null ? null : hashing.run(() => hashGuestPassword(password));
    if (password !== null && hash === null) return null;
    const madeAt = Date.now();
    return {
      documentId: randomBytes(12).toString('hex'),
      video,
      label,
      maxViews: views,
      passwordHash: await hash,
      download,
      madeBy,
      madeAt: String(madeAt),
      expiresAt: String(wanted.expiresAt?.getTime() ?? madeAt + DEFAULT_LIFETIME_MS),
    };
  }

  return {
    async knowsVideo(documentId) {
      return (await strapi.db.query(VIDEO_UID).count({ where: { documentId } })) > 0;
    },
    async create(wanted, madeBy) {
      const row = await rowFrom(wanted, madeBy);
      if (row === null) return null;
      const secret = newGuestLinkSecret();
      await rows().create({ data: { ...row, secretHash: hashGuestLinkSecret(secret) } });
      const entry = await find(row.documentId);
      if (entry === null) throw new Error('The guest link was not kept.');
      return { entry, secret };
    },
    /** The newest first: what is made meanwhile moves no page. */
    async list({ video, limit, before }) {
      const found: unknown[] = await rows().findMany({
        where: { ...(video !== undefined && { video }), ...(before !== undefined && { id: { $lt: before } }) },
        orderBy: { id: 'desc' },
        limit: limit + 1,
      });
      const links = found.slice(0, limit).map((row) => guestLinkSchema.parse(row));
      return { data: await entriesOf(strapi, links), next: found.length > limit ? (links.at(-1)?.id ?? null) : null };
    },
    find,
    async revoke(id, revokedBy) {
      // The first time counts.
      const where = { documentId: id, revokedAt: { $null: true } };
      await inOneWrite(() => rows().update({ where, data: { revokedAt: String(Date.now()), revokedBy } }));
      return find(id);
    },
    async remove(id) {
      await inOneWrite(() => rows().delete({ where: { documentId: id } }));
      await getService(strapi, 'playback-session').views.forgetSubjects([`guest-link:${id}`]);
    },
    admit: createAdmission(strapi, hashing),
  };
}
