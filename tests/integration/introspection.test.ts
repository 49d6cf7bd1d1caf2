import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROTOCOLS, playbackTokenSchema, sessionIdSchema } from '../../server/contracts';
import { publishVideo, uploadFilm } from '../support/films';
import {
  callInternal,
  hashOf,
  introspect,
  LAPTOP,
  PHONE,
  redeem,
  streamerKeysOf,
  syncingStreamer,
} from '../support/internal';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { setPolicies } from '../support/policies';
import {
  COURSE_RULE,
  createWatcher,
  FURTHER_CHANGES,
  mintBefore,
  REVOKING_CHANGES,
  type RevokingChange,
  revokingChanges,
} from '../support/revoking-changes';
import { type AdminAccount, createSiteUser, type SiteUser } from '../support/strapi-accounts';
import type { StrapiApp } from '../support/strapi-app';

const SESSION = 'plugin::protected-vod.playback-session';
const HOLDER = 'plugin::protected-vod.session-holder';

const CHANGES = [...REVOKING_CHANGES, ...FURTHER_CHANGES];

let site: PlaybackSite;
let app: StrapiApp;
let editor: AdminAccount;
let source: number;
let video: string;
let viewer: SiteUser;
let changes: ReturnType<typeof revokingChanges>;

beforeAll(async () => {
  site = await startPlaybackSite({ pluginConfig: { rules: [COURSE_RULE] } });
  ({ app, editor, viewer } = site);
  changes = revokingChanges(site);
  source = (await uploadFilm(app, editor)).id;
  video = await publishVideo(app, editor, { source });
});

afterAll(() => app.stop());

const tokenFor = async (documentId = video, user = viewer) => (await mint(app, documentId, user.jwt)).token;
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
const rowOf = (sessionId: string) =>
  app.strapi.db.query(SESSION).findOne({ where: { sessionHash: hashOf(sessionId) } });
/** Milliseconds since the epoch, a second past the token's `exp`. */
const expiryOf = (token: string): number => (claimsOf(token).exp + 1) * 1000;

describe('the internal endpoints', () => {
  it.each(['introspect', 'sync'] as const)('%s answers 403 without the streamer credential', async (path) => {
    for (const credential of [null, '', 'x', streamerKeysOf(app).credential.slice(0, -1)]) {
      expect((await callInternal(app, path, {}, credential)).status).toBe(403);
    }
  });

  it('S1 the ingest worker’s credential opens neither', async () => {
    const { ingestCredential } = app.strapi.plugin('protected-vod').service('keys').keyring();
    expect((await callInternal(app, 'introspect', {}, ingestCredential)).status).toBe(403);
    expect((await callInternal(app, 'sync', {}, ingestCredential)).status).toBe(403);
  });

  it.each([{}, { credential: '../../etc/passwd' }, { credential: 'a.b.c', client: {} }])(
    'a malformed request %j is 400',
    async (body) => {
      expect((await callInternal(app, 'introspect', body)).status).toBe(400);
    },
  );
});

describe('redemption', () => {
  it('opens a session whose id is not stored and not the token’s id', async () => {
    const token = await tokenFor();
    const { sessionId, grant } = await redeem(app, token);
    expect(sessionIdSchema.parse(sessionId)).toBe(sessionId);
    expect(grant).toMatchObject({
      video,
      protocols: [...PROTOCOLS],
      download: true,
      client: PHONE,
      generation: 0,
    });
    const row = await rowOf(sessionId);
    expect(JSON.stringify(row)).not.toContain(sessionId);
    expect(playbackTokenSchema.safeParse(token).success).toBe(true);
  });

  it('by the same client again leads back to the same session', async () => {
    const token = await tokenFor();
    expect((await redeem(app, token)).sessionId).toBe((await redeem(app, token)).sessionId);
  });

  it('of one token by 1,000 clients at once: one session, 999 refused', async () => {
    const token = await tokenFor();
    const before = await app.strapi.db.query(SESSION).count();
    const clients = Array.from({ length: 1000 }, (_, at) => ({
      addressPrefix: `10.${at >> 8}.${at & 255}.0/24`,
      agent: at.toString(16).padStart(16, '0'),
    }));
    const answers = [];
    for (let at = 0; at < clients.length; at += 100) {
      answers.push(
        ...(await Promise.all(clients.slice(at, at + 100).map((client) => introspect(app, token, client, 0)))),
      );
    }
    expect(answers.filter(({ active }) => active)).toHaveLength(1);
    expect(await app.strapi.db.query(SESSION).count()).toBe(before + 1);
  });

  it('S11 an expired token opens nothing, and serves only the client already bound', async () => {
    await setPolicies(app, editor, { roles: { subscriber: { tokenLifetimeSeconds: 5 } } });
    const unused = await tokenFor();
    const used = await tokenFor();
    await setPolicies(app, editor, { roles: {} });
    const { sessionId } = await redeem(app, used);
    const expiry = Math.max(expiryOf(unused), expiryOf(used));
    await expect.poll(() => Date.now() > expiry, { timeout: 15_000 }).toBe(true);
    expect(await introspect(app, unused)).toEqual({ active: false, final: true });
    expect(await introspect(app, used)).toMatchObject({ active: true, sessionId });
    const sameAgentElsewhere = { ...LAPTOP, agent: PHONE.agent };
    expect(await introspect(app, used, sameAgentElsewhere)).toEqual({ active: false, final: false });
    expect(await rowOf(sessionId)).toMatchObject({ generation: 0 });
  });
});

/** Makes the bound client's last activity 16 seconds old. */
async function silence(sessionId: string): Promise<void> {
  const then = String(Date.now() - 16_000);
  const where = { sessionHash: hashOf(sessionId) };
  await app.strapi.db.query(SESSION).update({ where, data: { lastSeenAt: then } });
  await app.strapi.db.query(HOLDER).updateMany({ where, data: { seenAt: then } });
}

describe('S12 hand-over', () => {
  it('a stranger is refused while the bound client is active, and takes over after silence', async () => {
    const { sessionId } = await redeem(app, await tokenFor());
    expect(await introspect(app, sessionId, LAPTOP, 0)).toEqual({ active: false, final: false });
    await silence(sessionId);
    expect(await introspect(app, sessionId, LAPTOP, 16_000)).toMatchObject({
      active: true,
      grant: { client: LAPTOP, generation: 1 },
    });
  });

  it('of 50 strangers at once, after silence, one takes over', async () => {
    const { sessionId } = await redeem(app, await tokenFor());
    await silence(sessionId);
    const comers = Array.from({ length: 50 }, (_, at) => ({
      addressPrefix: `10.9.${at}.0/24`,
      agent: (at + 256).toString(16).padStart(16, '0'),
    }));
    const answers = await Promise.all(comers.map((client) => introspect(app, sessionId, client, 16_000)));
    expect(answers.filter(({ active }) => active)).toHaveLength(1);
    expect(await rowOf(sessionId)).toMatchObject({ generation: 1, state: 'active' });
  });

  it('the seventh take-over ends the session', async () => {
    const { sessionId } = await redeem(app, await tokenFor());
    const roam = (at: number) => introspect(app, sessionId, { addressPrefix: `10.8.${at}.0/24`, agent: PHONE.agent });
    for (let at = 1; at <= 6; at += 1) expect(await roam(at)).toMatchObject({ active: true });
    expect(await roam(7)).toEqual({ active: false, final: true });
    expect(await rowOf(sessionId)).toMatchObject({ state: 'ended', endReason: 'too-many-take-overs' });
  });
});

describe('sync', () => {
  it('renews what is due and leaves the rest unchanged', async () => {
    const sync = syncingStreamer(app);
    const { sessionId } = await redeem(app, await tokenFor());
    const session = hashOf(sessionId);
    expect((await sync([{ session }])).results).toEqual([{ session, state: 'unchanged' }]);
    await app.strapi.plugin('protected-vod').service('playback-session').store.markDue({ video });
    expect((await sync([{ session }])).results).toMatchObject([
      { session, state: 'renewed', grant: { leaseSeconds: 30 } },
    ]);
  });

  it('ends a session that nobody knows', async () => {
    const session = hashOf('nobody');
    expect((await syncingStreamer(app)([{ session }])).results).toEqual([{ session, state: 'ended' }]);
  });

  it('S12 ignores a request that is not newer than the last', async () => {
    const body = { bootId: '3b241101-e2bb-4255-8caf-4136c566a962', sequence: 5, sessions: [] };
    expect((await callInternal(app, 'sync', body)).status).toBe(200);
    expect((await callInternal(app, 'sync', body)).status).toBe(409);
    expect((await callInternal(app, 'sync', { ...body, sequence: 4 })).status).toBe(409);
  });

  it('takes 500 sessions and not 501', async () => {
    const sessions = (count: number) =>
      Array.from({ length: count }, (_, at) => ({
        session: hashOf(String(at)),
        generation: 0,
        bytes: 0,
        mediaSeconds: 0,
        idleMs: 0,
      }));
    const body = { bootId: 'a3bb189e-8bf9-4888-9912-ace4e6543002', sequence: 1 };
    expect((await callInternal(app, 'sync', { ...body, sessions: sessions(501) })).status).toBe(400);
    expect((await callInternal(app, 'sync', { ...body, sessions: sessions(500) })).status).toBe(200);
  });

  it('S6 an ended session stays ended, whatever is reported later', async () => {
    const sync = syncingStreamer(app);
    const { sessionId } = await redeem(app, await tokenFor());
    const session = hashOf(sessionId);
    const { store } = app.strapi.plugin('protected-vod').service('playback-session');
    const row = await store.findByHash(session);
    await store.end(session, 'ended-by-editor');
    await sync([{ session }]);
    expect(await store.settle([{ row, outcome: 'renew', allowance: {}, leaseDue: Date.now() + 60_000 }])).toEqual([
      false,
    ]);
    expect(await rowOf(sessionId)).toMatchObject({ state: 'ended' });
    expect((await sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
    expect(await introspect(app, sessionId)).toEqual({ active: false, final: true });
  });

  it('S6 a renewal that was decided before a change does not survive it', async () => {
    const { sessionId } = await redeem(app, await tokenFor());
    const { store } = app.strapi.plugin('protected-vod').service('playback-session');
    const readBefore = await store.findByHash(hashOf(sessionId));
    await store.markDue({ video });
    const decidedBefore = { row: readBefore, outcome: 'renew', allowance: {}, leaseDue: Date.now() + 60_000 };
    expect(await store.settle([decidedBefore])).toEqual([false]);
    expect(await rowOf(sessionId)).toMatchObject({ leaseDue: expect.toSatisfy((due: unknown) => Number(due) === 0) });
  });
});

describe('S5 S8 every change that flips the decision', () => {
  /** Somebody with two tokens of one moment. */
  async function withTwoTokens(change: RevokingChange) {
    const watcher = await createWatcher(site, await publishVideo(app, editor, { source }));
    await change.prepare?.(watcher);
    const [used, kept] = [await mintBefore(site, change, watcher), await mintBefore(site, change, watcher)];
    return { watcher, used, kept };
  }
  const ask = ({ urls }: { urls: { hls?: string | undefined } }) => fetch(urls.hls ?? '', { redirect: 'manual' });
  const rowOfToken = (token: string) =>
    app.strapi.db.query(SESSION).findOne({ where: { tokenId: claimsOf(token).jti } });

  async function expectRevoked(change: RevokingChange): Promise<void> {
    const { watcher, used, kept } = await withTwoTokens(change);
    const sync = syncingStreamer(app);
    const session = hashOf((await redeem(app, used.token)).sessionId);
    expect((await sync([{ session }])).results).toMatchObject([{ state: 'unchanged' }]);
    await change.make(watcher);
    expect((await sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
    const refused = await ask(kept);
    expect([refused.status, refused.headers.get('location')]).toEqual([403, null]);
    // Not because of its age.
    expect(Date.now()).toBeLessThan(Date.parse(kept.expiresAt));
    expect(await rowOfToken(kept.token)).toBeNull();
    expect(await rowOfToken(used.token)).not.toBeNull();
  }

  it.each(CHANGES)('%s: ends the session at the next sync, and the token that was not used opens none', (name) =>
    expectRevoked(changes[name]),
  );

  const edits: [string, () => object][] = [
    ['allowed roles', () => ({ allowedRoles: ['staff'] })],
    ['window', () => ({ availableUntil: new Date(Date.now() - 1000).toISOString() })],
  ];

  it.each(edits)('%s edited past the Content Manager: does the same', async (_name, dataOf) => {
    const documents = app.strapi.documents('plugin::protected-vod.video');
    await expectRevoked({
      async make({ documentId }) {
        await documents.update({ documentId, data: dataOf() });
        await documents.publish({ documentId });
      },
    });
  });

  it('sessions of the user ended: takes back what was minted before, and nobody else’s', async () => {
    const change = changes['sessions of the user ended'];
    const { watcher, kept } = await withTwoTokens(change);
    const another = await mint(app, watcher.documentId, (await createSiteUser(app, watcher.role)).jwt);
    await change.make(watcher);
    expect((await ask(kept)).status).toBe(403);
    expect((await ask(await mintBefore(site, change, watcher))).status).toBe(302);
    expect((await ask(another)).status).toBe(302);
  });

  it('sessions of the user ended, while a token is being used: leaves no session running', async () => {
    const { store } = app.strapi.plugin('protected-vod').service('playback-session');
    const { insertOnce } = store;
    const token = await tokenFor();
    // After the decision and before the insert: nothing is there yet that could be ended.
    store.insertOnce = async (session: unknown) => {
      store.insertOnce = insertOnce;
      await store.endScope({ origin: { kind: 'user', id: String(viewer.id) } }, 'signed-out');
      return insertOnce(session);
    };
    expect(await introspect(app, token)).toEqual({ active: false, final: true });
    expect(await rowOfToken(token)).toMatchObject({ state: 'ended', endReason: 'token-revoked' });
  });
});

describe('a session', () => {
  it('S13 ends at its absolute lifetime, however often it was renewed', async () => {
    const sync = syncingStreamer(app);
    const { sessionId } = await redeem(app, await tokenFor());
    const session = hashOf(sessionId);
    const longAgo = String(Date.now() - 25 * 3600 * 1000);
    await app.strapi.db
      .query(SESSION)
      .update({ where: { sessionHash: session }, data: { startedAt: longAgo, leaseDue: '0' } });
    expect((await sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
    expect(await rowOf(sessionId)).toMatchObject({ endReason: 'session-lifetime-over' });
  });

  it('of a window that closes ends then, not at the end of its lease', async () => {
    const closes = Date.now() + 2500;
    const documentId = await publishVideo(app, editor, { source, availableUntil: new Date(closes).toISOString() });
    const sync = syncingStreamer(app);
    const session = hashOf((await redeem(app, await tokenFor(documentId))).sessionId);
    expect((await sync([{ session }])).results).toMatchObject([{ state: 'unchanged' }]);
    await expect.poll(() => Date.now() > closes, { timeout: 10_000 }).toBe(true);
    expect((await sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
  });

  it('usage that was reported is in the row after the next renewal', async () => {
    const sync = syncingStreamer(app);
    const { sessionId } = await redeem(app, await tokenFor());
    const session = hashOf(sessionId);
    await sync([{ session, bytes: 1000, mediaSeconds: 6 }]);
    await sync([{ session, bytes: 500, mediaSeconds: 3 }]);
    await app.strapi.plugin('protected-vod').service('playback-session').store.markDue({ video });
    await sync([{ session }]);
    const row = await rowOf(sessionId);
    expect([Number(row.bytes), Number(row.mediaSeconds)]).toEqual([1500, 9]);
  });

  it('a change that flips nothing renews', async () => {
    const sync = syncingStreamer(app);
    const session = hashOf((await redeem(app, await tokenFor())).sessionId);
    const users = app.strapi.plugin('users-permissions').service('user');
    await users.edit(viewer.id, { username: `renamed-${Date.now()}` });
    expect((await sync([{ session }])).results).toMatchObject([{ state: 'renewed' }]);
  });
});
