import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../server/contracts';
import { publishVideo, unpublishVideo } from '../support/films';
import { hashOf, LAPTOP, PHONE, redeem, type StreamerSide, streamerSide } from '../support/internal';
import { askForToken, mint } from '../support/minting';
import { PLAY, type PublishedSite, startPublishedSite } from '../support/playback-site';
import { startSecondNode } from '../support/second-node';
import type { SiteProcess } from '../support/site-process';
import { createSiteUser, grantPermission, type SiteUser } from '../support/strapi-accounts';
import { requestedServer } from '../support/test-database';
import { until } from '../support/until';

const SESSION = 'plugin::protected-vod.playback-session';
const HOLDER = 'plugin::protected-vod.session-holder';
const SLOT = 'plugin::protected-vod.session-slot';
const REFUSED = { active: false, final: false };
const ENDED = { active: false, final: true };

let site: PublishedSite;
/** Null on SQLite. */
let second: SiteProcess | null = null;
/** Streamers that ask different Strapi processes, where there are two. */
let sides: [StreamerSide, StreamerSide];

async function start(session: object): Promise<void> {
  site = await startPublishedSite({ pluginConfig: { session: { maxConcurrent: 2, ...session } } });
  second = requestedServer() === null ? null : await startSecondNode();
  const url = second === null ? site.app.url : await second.listening();
  sides = [streamerSide(site.app), streamerSide({ ...site.app, url })];
}

async function stop(): Promise<void> {
  await second?.dispose();
  await site.app.stop();
}

const sessions = () => site.app.strapi.plugin('protected-vod').service('playback-session');
const newUser = () => createSiteUser(site.app, site.role);
const tokenFor = async (user: SiteUser, video = site.video) => (await mint(site.app, video, user.jwt)).token;
const rowsOf = (user: SiteUser) => site.app.strapi.db.query(SESSION).findMany({ where: { originId: String(user.id) } });
const slotsOf = (user: SiteUser) => site.app.strapi.db.query(SLOT).findMany({ where: { subject: `user:${user.id}` } });
const rowOf = (session: string) => site.app.strapi.db.query(SESSION).findOne({ where: { sessionHash: session } });

/** A phone in a network of its own. */
const clientAt = (at: number): Client => ({
  addressPrefix: `10.3.${at}.0/24`,
  agent: at.toString(16).padStart(16, '0'),
});

/** Tokens that are minted while there is room, as a page does that is left open. */
async function tokensFor(user: SiteUser, count: number, video?: string): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => tokenFor(user, video)));
}

/** Both places of a new user, taken one after the other, and a token more; `third` is for the film of all. */
async function fullUser(video?: string) {
  const user = await newUser();
  const third = await tokenFor(user);
  const [one = '', other = ''] = await tokensFor(user, 2, video);
  const first = hashOf((await redeem(site.app, one)).sessionId);
  const opened = await redeem(site.app, other);
  return { user, first, latest: hashOf(opened.sessionId), latestId: opened.sessionId, third };
}

async function silence(session: string, seconds: number): Promise<void> {
  const then = String(Date.now() - seconds * 1000);
  const where = { sessionHash: session };
  await site.app.strapi.db.query(SESSION).update({ where, data: { lastSeenAt: then } });
  await site.app.strapi.db.query(HOLDER).updateMany({ where, data: { seenAt: then } });
}

/** All that is true of a user's sessions at any time: no more than two, and each has one of the two places. */
async function expectPlaces(user: SiteUser, count: number): Promise<void> {
  const active = (await rowsOf(user)).filter(({ state }) => state === 'active');
  const slots = await slotsOf(user);
  expect(slots.map(({ tokenId }) => tokenId).sort()).toEqual(active.map(({ tokenId }) => tokenId).sort());
  expect(slots).toHaveLength(count);
  expect(slots.every(({ slot }) => slot === 1 || slot === 2)).toBe(true);
}

/** The next redemption gets as far as its slot; what happens before its session is up to `between`. */
function betweenSlotAndSession(between: () => Promise<void>): void {
  const { store } = sessions();
  const { insertOnce } = store;
  store.insertOnce = async (session: unknown) => {
    store.insertOnce = insertOnce;
    await between();
    return insertOnce(session);
  };
}

const makeSlotsOld = (user: SiteUser) =>
  site.app.strapi.db.query(SLOT).updateMany({ where: { subject: `user:${user.id}` }, data: { takenAt: '1' } });

describe('a limit of two sessions', () => {
  beforeAll(() => start({}));
  afterAll(stop);

  it('S9 of 50 tokens of one user redeemed at once, two open a session; for the others nothing is written', async () => {
    const user = await newUser();
    const tokens = await tokensFor(user, 50);
    const answers = await Promise.all(tokens.map((token, at) => sides[at % 2 ? 1 : 0].introspect(token, clientAt(at))));
    expect(answers.filter(({ active }) => active)).toHaveLength(2);
    expect(answers.filter(({ active }) => !active)).toEqual(Array.from({ length: 48 }, () => REFUSED));
    expect(await rowsOf(user)).toHaveLength(2);
    await expectPlaces(user, 2);
  });

  it('S9 counts each user alone', async () => {
    await fullUser();
    const { user, third } = await fullUser();
    expect(await sides[0].introspect(third)).toEqual(REFUSED);
    await expectPlaces(user, 2);
  });

  it('S9 of one token redeemed by 100 clients at once there is one session in one place', async () => {
    const user = await newUser();
    const token = await tokenFor(user);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) => sides[at % 2 ? 1 : 0].introspect(token, clientAt(at))),
    );
    expect(answers.filter(({ active }) => active)).toHaveLength(1);
    await expectPlaces(user, 1);
  });

  it('S9 the token endpoint says too-many-sessions while there is no room, and holds none', async () => {
    const { user, first } = await fullUser();
    expect(await askForToken(site.app, site.video, user.jwt)).toMatchObject({ status: 403, code: 'too-many-sessions' });
    await sessions().store.end(first, 'ended-by-operator');
    await tokensFor(user, 5);
    await expectPlaces(user, 1);
  });

  it('S9 an API token is not limited: it stands for many people', async () => {
    const created = await site.app.strapi
      .service('admin::api-token')
      .create({ name: 'kiosk', description: '', type: 'custom', lifespan: null, permissions: [PLAY] });
    for (let at = 0; at < 3; at += 1) {
      await redeem(site.app, (await mint(site.app, site.video, created.accessKey)).token, clientAt(at));
    }
  });

  it('S9 renewals and hand-overs leave a session in its place', async () => {
    const { user, latest, latestId } = await fullUser();
    const before = await slotsOf(user);
    await sessions().store.markDue({ origin: { kind: 'user', id: String(user.id) } });
    expect((await sides[1].sync([{ session: latest }])).results).toMatchObject([{ state: 'renewed' }]);
    expect(await sides[1].introspect(latestId, PHONE)).toMatchObject({ active: true });
    // The streamer that opened it has nothing to say against it.
    await site.app.strapi.db.query(HOLDER).deleteMany({ where: { sessionHash: latest } });
    const moved = await sides[1].introspect(latestId, { ...LAPTOP, agent: PHONE.agent });
    expect(moved).toMatchObject({ active: true, grant: { generation: 1 } });
    expect(await slotsOf(user)).toEqual(before);
  });

  type Ending = (about: Awaited<ReturnType<typeof fullUser>> & { video: string }) => Promise<unknown>;
  const users = () => site.app.strapi.plugin('users-permissions').service('user');
  const ENDINGS: [string, number, Ending][] = [
    ['ended by an operator', 1, ({ first }) => sessions().store.end(first, 'ended-by-operator')],
    ['password changed', 0, ({ user }) => users().edit(user.id, { password: 'Another-passw0rd' })],
    [
      'password changed in a transaction',
      0,
      ({ user }) =>
        site.app.strapi.db.transaction(async () => {
          await users().edit(user.id, { password: 'Another-passw0rd' });
        }),
    ],
    [
      'signed out',
      0,
      async ({ user }) => {
        const headers = { authorization: `Bearer ${user.jwt}` };
        expect((await fetch(`${site.app.url}/api/auth/logout`, { method: 'POST', headers })).status).toBe(200);
      },
    ],
    [
      'entry unpublished',
      0,
      async ({ video, first, latest }) => {
        await unpublishVideo(site.app, site.editor, video);
        await sides[1].sync([{ session: first }, { session: latest }]);
      },
    ],
    [
      'too many take-overs',
      1,
      async ({ latest, latestId }) => {
        await site.app.strapi.db.query(SESSION).update({ where: { sessionHash: latest }, data: { generation: 6 } });
        const moved = await sides[1].introspect(latestId, { ...LAPTOP, agent: PHONE.agent });
        expect(moved).toEqual(ENDED);
      },
    ],
  ];

  const TAKES_TOKENS_BACK = ['password changed', 'password changed in a transaction', 'signed out'];
  async function newTokenFor(user: SiteUser, video: string): Promise<string> {
    const question = { origin: { kind: 'user', id: String(user.id) }, video, locale: null };
    const mint = site.app.strapi.plugin('protected-vod').service('playback-token');
    return (await mint.mint(question, site.app.url)).answer.data.token;
  }

  it.each(ENDINGS)('S9 a session that ends leaves its place: %s', async (name, left, end) => {
    await grantPermission(site.app, site.role, 'plugin::users-permissions.auth.logout');
    const video = await publishVideo(site.app, site.editor, { source: site.source });
    const about = await fullUser(video);
    expect(await sides[0].introspect(about.third)).toEqual(REFUSED);
    await end({ ...about, video });
    await until('the place is free', async () => (await slotsOf(about.user)).length === left);
    await expectPlaces(about.user, left);
    const isTakenBack = TAKES_TOKENS_BACK.includes(name);
    if (isTakenBack) expect(await sides[0].introspect(about.third)).toEqual(ENDED);
    // Who signs in again comes with a new one.
    const next = isTakenBack ? await newTokenFor(about.user, video) : about.third;
    expect(await sides[0].introspect(next)).toMatchObject({ active: true });
    await expectPlaces(about.user, left + 1);
  });

  it('S9 who was refused may come again with the same token', async () => {
    const { user, first, third } = await fullUser();
    expect(await sides[0].introspect(third)).toEqual(REFUSED);
    await sessions().store.end(first, 'ended-by-operator');
    expect(await sides[1].introspect(third)).toMatchObject({ active: true });
    await expectPlaces(user, 2);
  });

  it('S9 a session that has been silent gives way to a new one, and is ended', async () => {
    const { user, first, latest, latestId, third } = await fullUser();
    await silence(latest, 59);
    expect(await sides[0].introspect(third)).toEqual(REFUSED);
    await silence(latest, 61);
    expect(await sides[0].introspect(third)).toMatchObject({ active: true });
    expect(await rowOf(latest)).toMatchObject({ state: 'ended', endReason: 'silent-gave-way' });
    expect(await rowOf(first)).toMatchObject({ state: 'active' });
    await expectPlaces(user, 2);
    expect((await sides[1].sync([{ session: latest }])).results).toEqual([{ session: latest, state: 'ended' }]);
    expect(await sides[1].introspect(latestId)).toEqual(ENDED);
  });

  it('S9 activity that any node was told of keeps a session in its place', async () => {
    const { user, latest, latestId, third } = await fullUser();
    expect(await sides[1].introspect(latestId)).toMatchObject({ active: true });
    await silence(latest, 61);
    await sides[1].sync([{ session: latest, idleMs: 0 }]);
    expect(await sides[0].introspect(third)).toEqual(REFUSED);
    await expectPlaces(user, 2);
  });

  it('S9 of 50 that come at once to two silent sessions, two play', async () => {
    const user = await newUser();
    const [one = '', other = '', ...tokens] = await tokensFor(user, 52);
    for (const token of [one, other]) await silence(hashOf((await redeem(site.app, token)).sessionId), 61);
    const answers = await Promise.all(tokens.map((token, at) => sides[at % 2 ? 1 : 0].introspect(token, clientAt(at))));
    expect(answers.filter(({ active }) => active)).toHaveLength(2);
    expect((await rowsOf(user)).filter(({ endReason }) => endReason === 'silent-gave-way')).toHaveLength(2);
    expect(await rowsOf(user)).toHaveLength(4);
    await expectPlaces(user, 2);
  });

  it('S9 a process that died between place and session keeps nobody out for long', async () => {
    const user = await newUser();
    const [open = '', dying = '', third = ''] = await tokensFor(user, 3);
    await redeem(site.app, open);
    betweenSlotAndSession(() => Promise.reject(new Error('the process died')));
    await expect(sides[0].introspect(dying)).rejects.toThrow('500');
    expect([await slotsOf(user), await rowsOf(user)].map((rows) => rows.length)).toEqual([2, 1]);
    expect(await sides[1].introspect(third)).toEqual(REFUSED);
    await makeSlotsOld(user);
    expect(await sides[1].introspect(third)).toMatchObject({ active: true });
    await expectPlaces(user, 2);
  });

  it('S9 the token of a redemption that died in between finds its place again', async () => {
    const { user, first, third } = await fullUser();
    await sessions().store.end(first, 'ended-by-operator');
    betweenSlotAndSession(() => Promise.reject(new Error('the process died')));
    await expect(sides[0].introspect(third)).rejects.toThrow('500');
    expect(await sides[1].introspect(third)).toMatchObject({ active: true });
    await expectPlaces(user, 2);
  });

  it('S9 a redemption that was held up so long that another took its place opens nothing', async () => {
    const user = await newUser();
    const [open = '', late = '', third = ''] = await tokensFor(user, 3);
    await redeem(site.app, open);
    betweenSlotAndSession(async () => {
      await makeSlotsOld(user);
      expect(await sides[1].introspect(third)).toMatchObject({ active: true });
    });
    expect(await sides[0].introspect(late)).toEqual(ENDED);
    expect((await rowsOf(user)).filter(({ endReason }) => endReason === 'slot-lost')).toHaveLength(1);
    await expectPlaces(user, 2);
  });

  it('S9 and is ended where it opened in the very moment', async () => {
    const user = await newUser();
    const [open = '', late = '', third = ''] = await tokensFor(user, 3);
    await redeem(site.app, open);
    const { slots } = sessions();
    const { release } = slots;
    const opens = { late: () => {} };
    const isJudged = new Promise<void>((resolve) => {
      opens.late = resolve;
    });
    betweenSlotAndSession(async () => {
      await makeSlotsOld(user);
      await isJudged;
    });
    const opened = sides[0].introspect(late);
    await until('the places are old', async () => (await slotsOf(user)).every(({ takenAt }) => Number(takenAt) === 1));
    slots.release = async (tokenIds: string[]) => {
      slots.release = release;
      opens.late();
      expect(await opened).toMatchObject({ active: true });
      await release(tokenIds);
    };
    // At this Strapi: its own judgement is what is held up.
    expect(await sides[0].introspect(third)).toMatchObject({ active: true });
    expect((await rowsOf(user)).filter(({ endReason }) => endReason === 'slot-lost')).toHaveLength(1);
    await expectPlaces(user, 2);
  });

  it('S9 the sweep removes what is nobody’s, and nothing else', async () => {
    const { user, first } = await fullUser();
    const abandoned = { subject: `user:${user.id}`, slot: 7, tokenId: 'a token that opened nothing', takenAt: '1' };
    await site.app.strapi.db.query(SLOT).create({ data: abandoned });
    await makeSlotsOld(user);
    await site.app.strapi.db.query(SESSION).update({ where: { sessionHash: first }, data: { state: 'ended' } });
    await sessions().slots.sweep();
    await expectPlaces(user, 1);
  });
});

describe('a limit of two sessions at which the newest wins', () => {
  beforeAll(() => start({ atLimit: 'end-oldest' }));
  afterAll(stop);

  it('S9 the session that began first is ended for one more, even while it plays', async () => {
    const { user, first, latest, third } = await fullUser();
    await sides[0].sync([{ session: first, idleMs: 0 }]);
    const fourth = await tokenFor(user);
    expect(await sides[1].introspect(third, LAPTOP)).toMatchObject({ active: true });
    expect(await rowOf(first)).toMatchObject({ state: 'ended', endReason: 'oldest-gave-way' });
    expect((await sides[0].sync([{ session: first }])).results).toEqual([{ session: first, state: 'ended' }]);
    expect(await sides[0].introspect(fourth)).toMatchObject({ active: true });
    expect(await rowOf(latest)).toMatchObject({ state: 'ended', endReason: 'oldest-gave-way' });
    await expectPlaces(user, 2);
  });

  it('S9 of 50 tokens of one user redeemed at once, two sessions are left', async () => {
    const user = await newUser();
    const tokens = await tokensFor(user, 50);
    await Promise.all(tokens.map((token, at) => sides[at % 2 ? 1 : 0].introspect(token, clientAt(at))));
    await expectPlaces(user, 2);
  });
});
