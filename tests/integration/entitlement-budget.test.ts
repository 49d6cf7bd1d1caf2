import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishVideo } from '../support/films';
import { PHONE, sessionHashFor, syncingStreamer } from '../support/internal';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { statementsOf, untilDatabaseIsQuiet } from '../support/sql-statements';
import { requestedServer } from '../support/test-database';

const USERS = 50;
const VIDEOS = 20;
const COURSES = 4;
/** What a streamer sends at one time. */
const BATCH = 500;
const BUDGET = 100;

const COURSE = 'api::course.course';
const ORDER = 'api::order.order';
const SESSION = 'plugin::protected-vod.playback-session';
const HOLDER = 'plugin::protected-vod.session-holder';
/** Longer than any session may be silent here. */
const SILENCE_MS = 10 * 3600 * 1000;

const RULES = [
  {
    name: 'bought',
    videosOf: { uid: COURSE, filters: { videos: '$video' } },
    uid: ORDER,
    filters: { state: 'paid', user: '$user', course: { videos: '$video' } },
  },
];

interface Watched {
  session: string;
  user: number;
  video: string;
}

let site: PublishedSite;
let users: number[];
let videos: string[];
let courses: string[];
let sessions: Watched[];

const strapi = () => site.app.strapi;
const documents = (uid: string) => strapi().documents(uid as never);
const courseOf = (video: string) => courses[videos.indexOf(video) % COURSES];

async function createUsers(): Promise<number[]> {
  const created = Array.from({ length: USERS }, async (_, at) => {
    const email = `crowd-${at}@example.test`;
    const data = { username: email, email, provider: 'local', confirmed: true, blocked: false, role: site.role.id };
    return (await strapi().db.query('plugin::users-permissions.user').create({ data })).id as number;
  });
  return Promise.all(created);
}

async function createCourse(at: number): Promise<string> {
  const ofCourse = videos.filter((_, index) => index % COURSES === at);
  const data = { title: `Course ${at}`, videos: ofCourse } as never;
  return (await documents(COURSE).create({ data, status: 'published' })).documentId;
}

function newIds() {
  const [tokenId, salt] = [randomUUID(), 'salt'];
  return { tokenId, salt, sessionHash: sessionHashFor(site.app, tokenId, salt) };
}

/** Every user watches every video, and was seen so long ago. */
async function openSessions(silentMs = 0): Promise<Watched[]> {
  const { documentId: asset } = await strapi().db.query('plugin::protected-vod.asset').findOne();
  const now = String(Date.now());
  const lastSeenAt = String(Date.now() - silentMs);
  const rows = users.flatMap((user) =>
    videos.map((video) => ({
      ...newIds(),
      originKind: 'user',
      originId: String(user),
      role: 'subscriber',
      video,
      locale: 'en',
      asset,
      clientPrefix: PHONE.addressPrefix,
      clientAgent: PHONE.agent,
      state: 'active',
      epoch: 0,
      generation: 0,
      leaseDue: '0',
      startedAt: now,
      lastSeenAt,
      bytes: '5000000000',
      mediaSeconds: 0,
    })),
  );
  for (let at = 0; at < rows.length; at += 100) {
    await strapi()
      .db.query(SESSION)
      .createMany({ data: rows.slice(at, at + 100) });
  }
  return rows.map(({ sessionHash: session, originId, video }) => ({ session, user: Number(originId), video }));
}

beforeAll(async () => {
  site = await startPublishedSite({ pluginConfig: { rules: RULES } });
  const { app, editor, source } = site;
  users = await createUsers();
  videos = [];
  for (let at = 0; at < VIDEOS; at += 1) videos.push(await publishVideo(app, editor, { source, title: `Film ${at}` }));
  courses = await Promise.all(Array.from({ length: COURSES }, (_, at) => createCourse(at)));
  for (const course of courses) {
    for (const user of users) await documents(ORDER).create({ data: { state: 'paid', user, course } as never });
  }
  sessions = await openSessions();
  await untilDatabaseIsQuiet(app);
});

afterAll(() => site.app.stop());

/** What the streamer learns of all of `watched`; `usage` is what each has reported. */
async function syncAll(
  sync: ReturnType<typeof syncingStreamer>,
  usage: { bytes?: number; idleMs?: number } = {},
  watched = sessions,
) {
  const states = new Map<string, string>();
  for (let at = 0; at < watched.length; at += BATCH) {
    const batch = watched.slice(at, at + BATCH);
    const { results } = await sync(batch.map(({ session }) => ({ session, ...usage })));
    for (const { session, state } of results) states.set(session, state);
  }
  return states;
}

describe('a sync of 1,000 sessions of 50 users on 20 videos', () => {
  it(`costs at most ${BUDGET} queries, and decides each for itself`, async () => {
    const sync = syncingStreamer(site.app);
    let states = new Map<string, string>();
    const statements = await statementsOf(site.app, async () => {
      states = await syncAll(sync, { bytes: 7 });
    });
    expect([...states.values()].filter((state) => state === 'renewed')).toHaveLength(1000);
    expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(BUDGET);
  });

  it(`costs at most ${BUDGET} queries where each is near the silence after which it is over`, async () => {
    const silent = await openSessions(SILENCE_MS);
    // Of every other one, another streamer has told more.
    const seen = silent.filter((_, at) => at % 2 === 0).map(({ session }) => session);
    const holder = { streamer: randomUUID(), generation: 0, goodUntil: '0', grants: 1, seenAt: String(Date.now()) };
    for (let at = 0; at < seen.length; at += 100) {
      const data = seen.slice(at, at + 100).map((sessionHash) => ({ ...holder, sessionHash }));
      await strapi().db.query(HOLDER).createMany({ data });
    }
    let states = new Map<string, string>();
    const statements = await statementsOf(site.app, async () => {
      states = await syncAll(syncingStreamer(site.app), { idleMs: SILENCE_MS }, silent);
    });
    const expected = silent.map(({ session }, at) => [session, at % 2 === 0 ? 'renewed' : 'ended']);
    expect([...states]).toEqual(expected);
    expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(BUDGET);
  });

  it('ends what was refunded, renews the rest, and writes down what each has used', async () => {
    const sync = syncingStreamer(site.app);
    const [user, other] = users;
    const [course] = courses;
    const rows = strapi().db.query(ORDER);
    await rows.updateMany({
      where: {
        id: { $in: (await rows.findMany({ where: { user, course: { documentId: course } } })).map(({ id }) => id) },
      },
      data: { state: 'refunded' },
    });
    await strapi().plugin('users-permissions').service('user').edit(other, { blocked: true });
    let states = new Map<string, string>();
    const statements = await statementsOf(site.app, async () => {
      states = await syncAll(sync);
    });
    const isOver = (one: { user: number; video: string }) =>
      one.user === other || (one.user === user && courseOf(one.video) === course);
    for (const one of sessions) expect(states.get(one.session)).toBe(isOver(one) ? 'ended' : 'renewed');
    expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(BUDGET);

    const written = await strapi()
      .db.query(SESSION)
      .findMany({ where: { sessionHash: { $in: [...states.keys()] } } });
    expect(new Set(written.map(({ bytes }) => Number(bytes)))).toEqual(new Set([5_000_000_007]));
    const reasons = written.map(({ state, endReason }) => `${state} ${endReason ?? ''}`);
    expect(reasons.filter((reason) => reason === 'ended rule-unmatched')).toHaveLength(VIDEOS / COURSES);
    expect(reasons.filter((reason) => reason === 'ended user-blocked')).toHaveLength(VIDEOS);
    expect(reasons.filter((reason) => reason === 'active ')).toHaveLength(1000 - VIDEOS - VIDEOS / COURSES);
  });
});

// SQLite has one connection, which the change holds.
if (requestedServer() !== null) {
  describe('a change that is not committed yet', () => {
    it('keeps its own session from being renewed, and no other', async () => {
      const sync = syncingStreamer(site.app);
      const [changing, ...others] = sessions.slice(-3).map(({ session }) => session);
      const { store } = strapi().plugin('protected-vod').service('playback-session');
      await store.markDue({});
      let commit = () => {};
      const held = new Promise<void>((resolve) => {
        commit = resolve;
      });
      let isWritten = false;
      const change = strapi().db.transaction(async () => {
        await store.end(changing, 'ended-by-editor');
        isWritten = true;
        await held;
      });
      await expect.poll(() => isWritten).toBe(true);
      const asked = [changing, ...others].map((session) => ({ session: session ?? '' }));
      const states = async () => (await sync(asked)).results.map(({ state }) => state);
      expect(await states()).toEqual(['unchanged', 'renewed', 'renewed']);
      commit();
      await change;
      expect((await states())[0]).toBe('ended');
    });
  });
}
