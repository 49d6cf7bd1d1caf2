import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishVideo, unpublishVideo } from '../support/films';
import { hashOf, streamerSide } from '../support/internal';
import { mint } from '../support/minting';
import { startPublishedSite } from '../support/playback-site';
import { describeTwoNodes } from '../support/second-node';
import { type AdminAccount, createSiteUser, findSiteRole, type SiteUser } from '../support/strapi-accounts';
import type { StrapiApp } from '../support/strapi-app';
import { until } from '../support/until';

const SESSION = 'plugin::protected-vod.playback-session';

let app: StrapiApp;
let editor: AdminAccount;
let role: { id: number; type: string };
let source: number;

beforeAll(async () => {
  ({ app, editor, role, source } = await startPublishedSite());
});

afterAll(() => app.stop());

const users = () => app.strapi.plugin('users-permissions').service('user');
const rowOf = (session: string) => app.strapi.db.query(SESSION).findOne({ where: { sessionHash: session } });

/** Holds the next deliberation between its reads and the write that follows; the decision itself is Strapi's own. */
function pauseNextDecision() {
  const entitlement = app.strapi.plugin('protected-vod').service('entitlement');
  const { deliberation } = entitlement;
  const pause = { hasDecided: false, resume: () => {} };
  const paused = new Promise<void>((resolve) => {
    pause.resume = resolve;
  });
  entitlement.deliberation = () => {
    entitlement.deliberation = deliberation;
    const decide = deliberation.call(entitlement);
    return async (question: unknown) => {
      const decision = await decide(question);
      pause.hasDecided = true;
      await paused;
      return decision;
    };
  };
  return pause;
}

/** A session whose lease is due by the clock, so that the next sync decides. */
async function openDue() {
  const viewer = await createSiteUser(app, role);
  const video = await publishVideo(app, editor, { source });
  const streamer = streamerSide(app);
  const answer = await streamer.introspect((await mint(app, video, viewer.jwt)).token);
  if (!answer.active) throw new Error('the token was refused');
  const session = hashOf(answer.sessionId);
  await app.strapi.db.query(SESSION).update({ where: { sessionHash: session }, data: { leaseDue: '1' } });
  return { viewer, video, streamer, session, sessionId: answer.sessionId };
}

type Change = (about: { viewer: SiteUser; video: string; session: string }) => Promise<unknown>;

const CHANGES: [string, Change][] = [
  ['user blocked', ({ viewer }) => users().edit(viewer.id, { blocked: true })],
  [
    'role withdrawn',
    async ({ viewer }) => users().edit(viewer.id, { role: (await findSiteRole(app, 'authenticated')).id }),
  ],
  ['entry unpublished', ({ video }) => unpublishVideo(app, editor, video)],
  [
    'session ended',
    ({ session }) =>
      app.strapi.plugin('protected-vod').service('playback-session').store.end(session, 'ended-by-editor'),
  ],
];

describe('S6 a change that is committed while a renewal is between its decision and its write', () => {
  it.each(CHANGES)('%s: ends the session in that very sync', async (_name, change) => {
    const { streamer, session, ...about } = await openDue();
    const pause = pauseNextDecision();
    const syncing = streamer.sync([{ session }]);
    await until('the renewal was decided', () => pause.hasDecided);
    await change({ session, ...about });
    pause.resume();
    expect((await syncing).results).toEqual([{ session, state: 'ended' }]);
    expect(await rowOf(session)).toMatchObject({ state: 'ended' });
    expect(await streamer.introspect(about.sessionId)).toEqual({ active: false, final: true });
  });

  it('also where the change is still uncommitted when the renewal is written', async () => {
    const { streamer, session, viewer, sessionId } = await openDue();
    let commit = () => {};
    const held = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let isWritten = false;
    const changing = app.strapi.db.transaction(async () => {
      await users().edit(viewer.id, { blocked: true });
      isWritten = true;
      await held;
    });
    await until('the change is written', () => isWritten);
    // SQLite has one connection, which the change holds; elsewhere the renewal waits for the row, or reads what was.
    const syncing = streamer.sync([{ session }]);
    commit();
    await changing;
    await syncing;
    expect((await streamer.sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
    expect(await streamer.introspect(sessionId)).toEqual({ active: false, final: true });
  });

  it('a redemption that was decided before the change does not outlive the next sync', async () => {
    const viewer = await createSiteUser(app, role);
    const video = await publishVideo(app, editor, { source });
    const { token } = await mint(app, video, viewer.jwt);
    const streamer = streamerSide(app);
    const pause = pauseNextDecision();
    const redeeming = streamer.introspect(token);
    await until('the redemption was decided', () => pause.hasDecided);
    await users().edit(viewer.id, { blocked: true });
    pause.resume();
    // The second decision of the same redemption, after the row was made, sees the change.
    expect(await redeeming).toMatchObject({ active: false });
  });
});

describe('S6 ended is terminal', () => {
  it('whatever is written later: renewal, hand-over, usage', async () => {
    const { streamer, session, sessionId } = await openDue();
    const { store } = app.strapi.plugin('protected-vod').service('playback-session');
    const row = await store.findByHash(session);
    await store.end(session, 'ended-by-editor');
    const renewal = { row, outcome: 'renew', allowance: {}, leaseDue: Date.now() + 60_000 };
    const current = { ...renewal, row: await store.findByHash(session) };
    expect(await store.settle([renewal, current])).toEqual([false, false]);
    expect(await store.takeOver(current.row, { addressPrefix: '192.0.2.0/24', agent: row.client_agent })).toBe(false);
    await streamer.sync([{ session, bytes: 5, mediaSeconds: 5 }]);
    expect(await rowOf(session)).toMatchObject({ state: 'ended', endReason: 'ended-by-editor', generation: 0 });
    expect(await streamer.introspect(sessionId)).toEqual({ active: false, final: true });
  });
});

describeTwoNodes('S6 with two Strapi processes', (node) => {
  it('a change through the second, committed while the first decides a renewal, is not lost', async () => {
    const { streamer, session, video } = await openDue();
    const pause = pauseNextDecision();
    const syncing = streamer.sync([{ session }]);
    await until('the renewal was decided', () => pause.hasDecided);
    await unpublishVideo({ ...app, ...node }, editor, video);
    pause.resume();
    expect((await syncing).results).toEqual([{ session, state: 'ended' }]);
    expect((await streamer.sync([{ session }], { node })).results).toEqual([{ session, state: 'ended' }]);
  });
});
