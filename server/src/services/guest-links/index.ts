import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Core } from '@strapi/strapi';
import type { GuestAdmission, GuestLinkEntry, GuestLinkQuery, NewGuestLink, PageQuery } from '../../../contracts';
import { GUEST_LINK_UID, VIDEO_UID } from '../../content-types/uids';
import { hashGuestLinkSecret, newGuestLinkSecret } from '../../tokens/guest-link-secret';
import { hashGuestPassword } from '../../tokens/guest-password';
import { adminOf } from '../audit/requester';
import { getService } from '../get-service';
import { retryingDeadlocks } from '../playback-session/deadlock';
import type { Transaction } from '../playback-session/transaction';
import { type Admission, createAdmission } from './admission';
import { createHashingQueue } from './hashing';
import { type GuestLink, guestLinkSchema } from './link';
import { entriesOf } from './listing';

const TABLE = 'protected_vod_guest_links';
const DEFAULT_LIFETIME_MS = 7 * 24 * 3600 * 1000;
const PAGE = 200;

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
  /** All that an administrator made or revoked, the newest first, one page in memory at a time. */
  pagesOf(admin: string): AsyncGenerator<GuestLinkEntry[]>;
  /** The links stay, and tell no more who made or revoked them. */
  forgetAdministrator(admin: string): Promise<void>;
  /** Whether this secret and password open a link now. The link still has to be one that may watch; see `entitlement`. */
  admit(admission: GuestAdmission, request: IncomingMessage): Promise<Admission>;
}

/** Links by which editors let guests watch one video. Every write goes through Strapi, so that `revocation` hears of it. */
export function createGuestLinksService({ strapi }: { strapi: Core.Strapi }): GuestLinksService {
  const rows = () => strapi.db.query(GUEST_LINK_UID);
  const hashing = createHashingQueue();

  /** The leases are made due within: both become visible together (S6). */
  async function inOneWrite<T>(write: (trx: Transaction) => Promise<T>): Promise<T> {
    return retryingDeadlocks(() => strapi.db.transaction(({ trx }) => write(trx)));
  }

  /** By whoever makes the request, of whatever link; its label and its guests are nobody's business there. */
  function audit({ documentId: id, video }: Pick<GuestLink, 'documentId' | 'video'>, reason: string): void {
    const event = { origin: { kind: 'guest-link', id }, actor: adminOf(strapi), video, reason };
    getService(strapi, 'audit').record({ kind: 'guest-link', ...event });
  }

  /** The newest first: what is made meanwhile moves no page. */
  async function page(where: object, { limit, before }: PageQuery) {
    const found: unknown[] = await rows().findMany({
      where: { ...where, ...(before !== undefined && { id: { $lt: before } }) },
      orderBy: { id: 'desc' },
      limit: limit + 1,
    });
    const links = found.slice(0, limit).map((row) => guestLinkSchema.parse(row));
    return { data: await entriesOf(strapi, links), next: found.length > limit ? (links.at(-1)?.id ?? null) : null };
  }

  /** The first time counts, whoever else does it at the same time. Null: it was not that. */
  async function endOnce(id: string, revokedBy: string | null): Promise<GuestLink | null> {
    return inOneWrite(async (trx) => {
      const mine = strapi.db.getConnection(TABLE).transacting(trx).where({ document_id: id }).whereNull('revoked_at');
      if ((await mine.update({ revoked_at: Date.now() })) === 0) return null;
      return guestLinkSchema.parse(await rows().update({ where: { documentId: id }, data: { revokedBy } }));
    });
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
      audit(row, 'made');
      const entry = await find(row.documentId);
      if (entry === null) throw new Error('The guest link was not kept.');
      return { entry, secret };
    },
    list: ({ video, ...query }) => page(video === undefined ? {} : { video }, query),
    find,
    async revoke(id, revokedBy) {
      const revoked = await endOnce(id, revokedBy);
      if (revoked) audit(revoked, 'revoked');
      return find(id);
    },
    async remove(id) {
      const deleted: unknown = await inOneWrite(() => rows().delete({ where: { documentId: id } }));
      const link = guestLinkSchema.nullable().parse(deleted);
      if (link) audit(link, 'erased');
      await getService(strapi, 'playback-session').views.forgetSubjects([`guest-link:${id}`]);
    },
    async *pagesOf(admin) {
      const where = { $or: [{ madeBy: admin }, { revokedBy: admin }] };
      for (let before: number | undefined; ; ) {
        const { data, next } = await page(where, { limit: PAGE, before });
        if (data.length > 0) yield data;
        if (next === null) return;
        before = next;
      }
    },
    async forgetAdministrator(admin) {
      for (const column of ['made_by', 'revoked_by']) {
        const named = () => strapi.db.getConnection(TABLE).where({ [column]: admin });
        await retryingDeadlocks(() => named().update({ [column]: null }));
      }
    },
    admit: createAdmission(strapi, hashing),
  };
}
