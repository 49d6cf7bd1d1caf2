import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROTOCOLS, playbackTokenSchema, sessionIdSchema } from '../../server/contracts';
import { deleteVideo, publishVideo, unpublishVideo, uploadFilm } from '../support/films';
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
import {
  type AdminAccount,
  createAdmin,
  createSiteRole,
  createSiteUser,
  findSiteRole,
  grantPermission,
  type SiteUser,
} from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

const PLAY = 'plugin::protected-vod.playback.create';
const SESSION = 'plugin::protected-vod.playback-session';
const HOLDER = 'plugin::protected-vod.session-holder';

const EXTERNAL = { mode: 'external', publicUrl: 'https://video.example.test' };

let app: StrapiApp;
let editor: AdminAccount;
let source: number;
let video: string;
let role: { id: number };
let viewer: SiteUser;

beforeAll(async () => {
  app = await startStrapiApp({ pluginConfig: { streamer: EXTERNAL, token: { lifetimeSeconds: 5 } } });
  editor = await createAdmin(app);
  source = (await uploadFilm(app, editor)).id;
  role = await createSiteRole(app, 'subscriber');
  await grantPermission(app, role, PLAY);
  viewer = await createSiteUser(app, role);
  video = await publishVideo(app, editor, { source });
});

afterAll(() => app.stop());

const tokenFor = async (documentId = video, user = viewer) => (await mint(app, documentId, user.jwt)).token;
const rowOf = (sessionId: string) =>
  app.strapi.db.query(SESSION).findOne({ where: { sessionHash: hashOf(sessionId) } });
/** Milliseconds since the epoch, a second past the token's `exp`. */
const expiryOf = (token: string): number =>
  (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).exp + 1) * 1000;
const users = () => app.strapi.plugin('users-permissions').service('user');

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
      answers.push(...(await Promise.all(clients.slice(at, at + 100).map((client) => introspect(app, token, client)))));
    }
    expect(answers.filter(({ active }) => active)).toHaveLength(1);
    expect(await app.strapi.db.query(SESSION).count()).toBe(before + 1);
  });

  it('S5 decides again: each change after the mint refuses, and no row is written', async () => {
    const changes: Record<string, (user: SiteUser, documentId: string) => Promise<unknown>> = {
      'user blocked': (user) => users().edit(user.id, { blocked: true }),
      'role withdrawn': async (user) => users().edit(user.id, { role: (await findSiteRole(app, 'authenticated')).id }),
      'user deleted': (user) => users().remove({ id: user.id }),
      unpublished: (_user, documentId) => unpublishVideo(app, editor, documentId),
      deleted: (_user, documentId) => deleteVideo(app, editor, documentId),
    };
    for (const [name, change] of Object.entries(changes)) {
      const user = await createSiteUser(app, role);
      const documentId = await publishVideo(app, editor, { source });
      const token = await tokenFor(documentId, user);
      await change(user, documentId);
      const before = await app.strapi.db.query(SESSION).count();
      expect(await introspect(app, token), name).toMatchObject({ active: false });
      expect(await app.strapi.db.query(SESSION).count(), name).toBe(before);
    }
  });

  it('S11 an expired token opens nothing, and serves only the client already bound', async () => {
    const unused = await tokenFor();
    const used = await tokenFor();
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

describe('every change that flips the decision ends the session at the next sync', () => {
  const editEntry = async (documentId: string, data: object) => {
    const documents = app.strapi.documents('plugin::protected-vod.video');
    await documents.update({ documentId, data });
    await documents.publish({ documentId });
  };
  const asUser = (user: SiteUser, data: Record<string, unknown>) => users().edit(user.id, data);
  const permissions = () => app.strapi.db.query('plugin::users-permissions.permission');
  const roles = () => app.strapi.plugin('users-permissions').service('role');

  const changes: [string, (user: SiteUser, documentId: string, ownRole: { id: number }) => Promise<unknown>][] = [
    ['S8 user blocked', (user) => asUser(user, { blocked: true })],
    ['S8 user deleted', (user) => users().remove({ id: user.id })],
    ['S8 password changed', (user) => asUser(user, { password: 'Another-passw0rd' })],
    [
      'S8 signed out',
      async (user, _video, own) => {
        await grantPermission(app, own, 'plugin::users-permissions.auth.logout');
        const headers = { authorization: `Bearer ${user.jwt}` };
        expect((await fetch(`${app.url}/api/auth/logout`, { method: 'POST', headers })).status).toBe(200);
      },
    ],
    ['role withdrawn', async (user) => asUser(user, { role: (await findSiteRole(app, 'authenticated')).id })],
    [
      'permission unticked',
      (_user, _video, own) => permissions().delete({ where: { action: PLAY, role: { id: own.id } } }),
    ],
    [
      'permissions deleted in bulk',
      (_user, _video, own) => permissions().deleteMany({ where: { role: { id: own.id } } }),
    ],
    ['role deleted', async (_user, _video, own) => roles().deleteRole(own.id, (await findSiteRole(app, 'public')).id)],
    ['entry unpublished', (_user, documentId) => unpublishVideo(app, editor, documentId)],
    ['entry deleted', (_user, documentId) => deleteVideo(app, editor, documentId)],
    [
      'allowed roles edited',
      async (_user, documentId) => {
        await editEntry(documentId, { allowedRoles: ['staff'] });
      },
    ],
    [
      'window closed',
      async (_user, documentId) => {
        await editEntry(documentId, { availableUntil: new Date(Date.now() - 1000).toISOString() });
      },
    ],
  ];

  it.each(changes)('%s', async (_name, change) => {
    const ownRole = await createSiteRole(app, `role${Math.random().toString(36).slice(2)}`);
    await grantPermission(app, ownRole, PLAY);
    const user = await createSiteUser(app, ownRole);
    const documentId = await publishVideo(app, editor, { source });
    const sync = syncingStreamer(app);
    const session = hashOf((await redeem(app, await tokenFor(documentId, user))).sessionId);
    expect((await sync([{ session }])).results).toMatchObject([{ state: 'unchanged' }]);
    await change(user, documentId, ownRole);
    expect((await sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
  });

  it('S8 an API token that was deleted ends what it opened', async () => {
    const tokens = app.strapi.service('admin::api-token');
    const created = await tokens.create({
      name: 'kiosk',
      description: '',
      type: 'custom',
      lifespan: null,
      permissions: [PLAY],
    });
    const { token } = await mint(app, video, created.accessKey);
    const sync = syncingStreamer(app);
    const session = hashOf((await redeem(app, token)).sessionId);
    await tokens.revoke(created.id);
    expect((await sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
  });

  it('S13 a session ends at its absolute lifetime, however often it was renewed', async () => {
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

  it('a window that closes ends the session then, not at the end of its lease', async () => {
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
    await users().edit(viewer.id, { username: `renamed-${Date.now()}` });
    expect((await sync([{ session }])).results).toMatchObject([{ state: 'renewed' }]);
  });
});
