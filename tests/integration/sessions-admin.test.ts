import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditPageSchema, type SessionEntry, sessionPageSchema } from '../../server/contracts';
import { askAsAdmin } from '../support/admin-rest';
import { publishVideo } from '../support/films';
import { hashOf, introspect, LAPTOP, PHONE, redeem, syncingStreamer } from '../support/internal';
import { mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { createAdminWith, createSiteUser, type SiteUser } from '../support/strapi-accounts';

let site: PublishedSite;

beforeAll(async () => {
  site = await startPublishedSite();
});

afterAll(() => site.app.stop());

const newViewer = () => createSiteUser(site.app, site.role);
const post = (route: string, body?: unknown) => askAsAdmin(site.app, site.editor, route, { method: 'POST', body });

async function listed(query: string): Promise<SessionEntry[]> {
  const answer = await askAsAdmin(site.app, site.editor, `/sessions?limit=200&${query}`);
  expect(answer.status, answer.text).toBe(200);
  return sessionPageSchema.parse(answer.body).data;
}

async function watch(viewer: SiteUser, video = site.video) {
  const { token } = await mint(site.app, video, viewer.jwt);
  const { sessionId } = await redeem(site.app, token);
  return { token, sessionId, session: hashOf(sessionId) };
}

describe('GET sessions', () => {
  it('tells who watches what since when, and nothing that opens a session', async () => {
    const viewer = await newViewer();
    const { token, sessionId, session } = await watch(viewer);
    const answer = await askAsAdmin(site.app, site.editor, `/sessions?user=${viewer.id}`);
    expect(sessionPageSchema.parse(answer.body).data).toMatchObject([
      {
        logId: session.slice(0, 8),
        state: 'active',
        endReason: null,
        endedAt: null,
        user: { kind: 'user', id: String(viewer.id), name: viewer.email },
        role: 'subscriber',
        video: { documentId: site.video, title: 'A film' },
        clientPrefix: PHONE.addressPrefix,
        takeOvers: 0,
      },
    ]);
    for (const secret of [token, sessionId, session]) expect(answer.text).not.toContain(secret);
  });

  it('filters by state, video and beginning', async () => {
    const viewer = await newViewer();
    const other = await publishVideo(site.app, site.editor, { source: site.source });
    await watch(viewer);
    const { session } = await watch(viewer, other);
    await site.app.strapi.plugin('protected-vod').service('playback-session').store.end(session, 'for-a-test');
    const mine = `user=${viewer.id}`;
    expect(await listed(mine)).toHaveLength(2);
    expect(await listed(`${mine}&state=active`)).toMatchObject([{ video: { documentId: site.video } }]);
    const [ended] = await listed(`${mine}&state=ended`);
    expect(ended).toMatchObject({ endReason: 'for-a-test', idleSeconds: null, video: { documentId: other } });
    expect(Math.abs(Date.parse(ended?.endedAt ?? '') - Date.now())).toBeLessThan(60_000);
    expect(await listed(`video=${other}`)).toHaveLength(1);
    expect(await listed(`${mine}&since=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([]);
  });

  it('gives pages that neither repeat nor skip while sessions begin', async () => {
    const viewer = await newViewer();
    for (let at = 0; at < 3; at += 1) await watch(viewer);
    const seen: string[] = [];
    for (let next: number | null = null, page = 0; page === 0 || next !== null; page += 1) {
      const before = next === null ? '' : `&before=${next}`;
      const answer = await askAsAdmin(site.app, site.editor, `/sessions?user=${viewer.id}&limit=2${before}`);
      const { data, meta } = sessionPageSchema.parse(answer.body);
      seen.push(...data.map(({ id }) => id));
      next = meta.next;
      if (page === 0) await watch(viewer);
    }
    expect(seen).toHaveLength(3);
    expect(new Set(seen).size).toBe(3);
  });

  it.each(['state=gone', 'limit=0', 'before=-1', 'since=x', 'video=NO', 'more=1'])('?%s answers 400', async (query) => {
    expect((await askAsAdmin(site.app, site.editor, `/sessions?${query}`)).status).toBe(400);
  });
});

describe('POST sessions/…/end', () => {
  it('ends one session, and the audit says who did', async () => {
    const viewer = await newViewer();
    const { sessionId, session } = await watch(viewer);
    await watch(viewer);
    const [newest, oldest] = await listed(`user=${viewer.id}`);
    expect((await post(`/sessions/${oldest?.id}/end`)).body).toEqual({ data: { ended: 1 } });
    expect((await syncingStreamer(site.app)([{ session }])).results).toEqual([{ session, state: 'ended' }]);
    expect(await introspect(site.app, sessionId)).toEqual({ active: false, final: true });
    expect(await listed(`user=${viewer.id}&state=active`)).toMatchObject([{ id: newest?.id }]);
    const { body } = await askAsAdmin(site.app, site.editor, `/audit?session=${oldest?.id}&kind=end`);
    expect(auditPageSchema.parse(body).data).toMatchObject([
      { reason: 'ended-by-editor', actor: { kind: 'admin', id: String(site.editor.id) } },
    ]);
    expect((await post(`/sessions/${oldest?.id}/end`)).body).toEqual({ data: { ended: 0 } });
  });

  it('answers 404 for a session that never was', async () => {
    expect((await post('/sessions/neverwasneverwasneverwas/end')).status).toBe(404);
    expect((await post('/sessions/%25/end')).status).toBe(404);
  });

  it('ends all sessions of a user, and of nobody else', async () => {
    const [one, other] = [await newViewer(), await newViewer()];
    for (const viewer of [one, one, other]) await watch(viewer);
    expect((await post('/sessions/end', { user: one.id })).body).toEqual({ data: { ended: 2 } });
    expect(await listed(`user=${one.id}&state=active`)).toEqual([]);
    expect(await listed(`user=${other.id}&state=active`)).toHaveLength(1);
  });

  it('ends all sessions of a video, and of no other', async () => {
    const viewer = await newViewer();
    const video = await publishVideo(site.app, site.editor, { source: site.source });
    for (const one of [video, video, site.video]) await watch(viewer, one);
    expect((await post('/sessions/end', { video })).body).toEqual({ data: { ended: 2 } });
    expect(await listed(`user=${viewer.id}&state=active`)).toMatchObject([{ video: { documentId: site.video } }]);
  });

  it.each([[{}], [{ user: 1, video: 'a' }], [{ all: true }], [{ user: '' }], [{ user: { $ne: 1 } }]])(
    'POST sessions/end with %j answers 400 and ends nothing',
    async (body) => {
      const viewer = await newViewer();
      await watch(viewer);
      expect((await post('/sessions/end', body)).status).toBe(400);
      expect(await listed(`user=${viewer.id}&state=active`)).toHaveLength(1);
    },
  );

  it('to look and to end are different rights', async () => {
    const looker = await createAdminWith(site.app, [{ action: 'plugin::protected-vod.sessions.read' }]);
    const ender = await createAdminWith(site.app, [{ action: 'plugin::protected-vod.sessions.end' }]);
    const statusOf = async (admin: typeof looker, route: string, method: string) =>
      (await askAsAdmin(site.app, admin, route, { method, body: method === 'POST' ? { user: 999999 } : undefined }))
        .status;
    expect(await statusOf(looker, '/sessions', 'GET')).toBe(200);
    expect(await statusOf(looker, '/sessions/end', 'POST')).toBe(403);
    expect(await statusOf(looker, '/sessions/neverwas/end', 'POST')).toBe(403);
    expect(await statusOf(ender, '/sessions', 'GET')).toBe(403);
    expect(await statusOf(ender, '/sessions/end', 'POST')).toBe(200);
  });
});

describe('a hand-over', () => {
  it('shows in the list as the client that watches now', async () => {
    const viewer = await newViewer();
    const { token } = await watch(viewer);
    const moved = { ...LAPTOP, agent: PHONE.agent };
    await introspect(site.app, token, moved);
    expect(await listed(`user=${viewer.id}`)).toMatchObject([{ takeOvers: 1, clientPrefix: LAPTOP.addressPrefix }]);
  });
});
