import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, RolePolicy } from '../../server/contracts';
import { askAsAdmin } from '../support/admin-rest';
import { publishVideo } from '../support/films';
import { hashOf, PHONE, redeem, type StreamerSide, streamerSide } from '../support/internal';
import { askForToken, mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { setPolicies } from '../support/policies';
import { startSecondNode } from '../support/second-node';
import type { SiteProcess } from '../support/site-process';
import { createSiteUser, type SiteUser } from '../support/strapi-accounts';
import { requestedServer } from '../support/test-database';

const SESSION = 'plugin::protected-vod.playback-session';
const VIEW = 'plugin::protected-vod.view';
const REFUSED = { active: false, final: false };

let site: PublishedSite;
/** Null on SQLite. */
let second: SiteProcess | null = null;
/** Streamers that ask different Strapi processes, where there are two. */
let sides: [StreamerSide, StreamerSide];

beforeAll(async () => {
  site = await startPublishedSite();
  second = requestedServer() === null ? null : await startSecondNode();
  const url = second === null ? site.app.url : await second.listening();
  sides = [streamerSide(site.app), streamerSide({ ...site.app, url })];
});
afterAll(async () => {
  await second?.dispose();
  await site.app.stop();
});

const set = (policy: RolePolicy) => setPolicies(site.app, site.editor, { roles: { subscriber: policy } });
const limitTo = (limit: number, windowSeconds = 3600) => set({ views: { limit, windowSeconds } });
const newUser = () => createSiteUser(site.app, site.role);
const tokenFor = async (user: SiteUser, video = site.video) => (await mint(site.app, video, user.jwt)).token;
const tokensFor = (user: SiteUser, count: number) => Promise.all(Array.from({ length: count }, () => tokenFor(user)));
const rowsOf = (user: SiteUser) => site.app.strapi.db.query(SESSION).findMany({ where: { originId: String(user.id) } });
const viewsOf = (user: SiteUser) => site.app.strapi.db.query(VIEW).findMany({ where: { subject: `user:${user.id}` } });
const clientAt = (at: number): Client => ({
  addressPrefix: `10.3.${at}.0/24`,
  agent: at.toString(16).padStart(16, '0'),
});

async function watchTwice(): Promise<SiteUser> {
  const user = await newUser();
  for (const token of await tokensFor(user, 2)) await redeem(site.app, token);
  return user;
}

/** Moves the views of a user into the past. */
const age = (user: SiteUser, seconds: number) =>
  site.app.strapi.db
    .query(VIEW)
    .updateMany({ where: { subject: `user:${user.id}` }, data: { takenAt: String(Date.now() - seconds * 1000) } });

describe('views of one video by one user within a window of time', () => {
  beforeAll(() => limitTo(2));

  it('of 50 tokens redeemed at once on all nodes, as many open a session as there are views', async () => {
    const user = await newUser();
    const tokens = await tokensFor(user, 50);
    const answers = await Promise.all(tokens.map((token, at) => sides[at % 2 ? 1 : 0].introspect(token, clientAt(at))));
    expect(answers.filter(({ active }) => active)).toHaveLength(2);
    expect(answers.filter(({ active }) => !active)).toEqual(Array.from({ length: 48 }, () => REFUSED));
    const tokenIds = (await rowsOf(user)).map(({ tokenId }) => tokenId).sort();
    expect(tokenIds).toHaveLength(2);
    expect((await viewsOf(user)).map(({ tokenId }) => tokenId).sort()).toEqual(tokenIds);
  });

  it('one token is one view, however many show it at once and however often', async () => {
    const user = await newUser();
    const token = await tokenFor(user);
    await Promise.all(Array.from({ length: 20 }, (_, at) => sides[at % 2 ? 1 : 0].introspect(token, PHONE)));
    expect(await viewsOf(user)).toHaveLength(1);
  });

  it('a reload, a renewal and a hand-over within a session are no other view', async () => {
    const user = await newUser();
    const { sessionId } = await redeem(site.app, await tokenFor(user));
    const session = hashOf(sessionId);
    await site.app.strapi.plugin('protected-vod').service('playback-session').store.markDue({});
    await sides[0].sync([{ session }]);
    await sides[1].introspect(sessionId, { ...clientAt(1), agent: PHONE.agent });
    expect(await viewsOf(user)).toHaveLength(1);
  });

  it('POST playback-token above the views of the window answers 403 too-many-views', async () => {
    const user = await watchTwice();
    expect(await askForToken(site.app, site.video, user.jwt)).toMatchObject({ status: 403, code: 'too-many-views' });
  });

  it('a token that was minted before they were used up opens nothing, and no row is written', async () => {
    const user = await newUser();
    const [one = '', two = '', three = ''] = await tokensFor(user, 3);
    for (const token of [one, two]) await redeem(site.app, token);
    for (const side of sides) expect(await side.introspect(three)).toEqual(REFUSED);
    expect(await rowsOf(user)).toHaveLength(2);
    expect(await viewsOf(user)).toHaveLength(2);
  });

  it('other videos and other users have views of their own', async () => {
    const user = await watchTwice();
    const other = await publishVideo(site.app, site.editor, { source: site.source });
    await redeem(site.app, await tokenFor(user, other));
    await redeem(site.app, await tokenFor(await newUser()));
  });

  it('come back one by one as the window slides', async () => {
    const user = await watchTwice();
    await age(user, 3590);
    expect(await askForToken(site.app, site.video, user.jwt)).toMatchObject({ status: 403 });
    await age(user, 3602);
    await redeem(site.app, await tokenFor(user));
    expect(await askForToken(site.app, site.video, user.jwt)).toMatchObject({ status: 200 });
    await redeem(site.app, await tokenFor(user));
    expect(await askForToken(site.app, site.video, user.jwt)).toMatchObject({ status: 403 });
  });

  it('of 50 that come at once after the window has slid, as many open a session as there are views', async () => {
    const user = await newUser();
    const [one = '', two = '', ...tokens] = await tokensFor(user, 52);
    for (const token of [one, two]) await redeem(site.app, token);
    await age(user, 3602);
    const answers = await Promise.all(tokens.map((token, at) => sides[at % 2 ? 1 : 0].introspect(token, clientAt(at))));
    expect(answers.filter(({ active }) => active)).toHaveLength(2);
  });

  it('a redemption that fails after its view gives the view back', async () => {
    const user = await newUser();
    const token = await tokenFor(user);
    const { store } = site.app.strapi.plugin('protected-vod').service('playback-session');
    const { insertOnce } = store;
    store.insertOnce = async () => {
      store.insertOnce = insertOnce;
      throw new Error('the database is gone');
    };
    await expect(sides[0].introspect(token)).rejects.toThrow('500');
    expect(await viewsOf(user)).toHaveLength(0);
    expect(await sides[0].introspect(token)).toMatchObject({ active: true });
  });

  it('a redemption whose session was kept although the answer got lost keeps its view, and takes no other', async () => {
    const user = await newUser();
    const [token = '', other = '', third = ''] = await tokensFor(user, 3);
    const { store } = site.app.strapi.plugin('protected-vod').service('playback-session');
    const { insertOnce } = store;
    store.insertOnce = async (session: unknown) => {
      store.insertOnce = insertOnce;
      await insertOnce(session);
      throw new Error('the connection is gone');
    };
    await expect(sides[0].introspect(token)).rejects.toThrow('500');
    expect(await viewsOf(user)).toHaveLength(1);
    expect(await sides[0].introspect(token)).toMatchObject({ active: true });
    expect(await viewsOf(user)).toHaveLength(1);
    await redeem(site.app, other);
    expect(await sides[0].introspect(third)).toEqual(REFUSED);
  });

  it('a redemption of which nobody can tell what was kept keeps its view', async () => {
    const user = await newUser();
    const token = await tokenFor(user);
    const { store } = site.app.strapi.plugin('protected-vod').service('playback-session');
    const { insertOnce, findByTokenId } = store;
    store.insertOnce = async () => {
      store.insertOnce = insertOnce;
      store.findByTokenId = async () => {
        store.findByTokenId = findByTokenId;
        throw new Error('still gone');
      };
      throw new Error('the database is gone');
    };
    await expect(sides[0].introspect(token)).rejects.toThrow('500');
    expect(await viewsOf(user)).toHaveLength(1);
    expect(await sides[0].introspect(token)).toMatchObject({ active: true });
    expect(await viewsOf(user)).toHaveLength(1);
  });
});

describe('a limit of views that changes', () => {
  it('a start that finds no view ends no session of the user', async () => {
    const user = await newUser();
    await set({ maxConcurrent: 1, atLimit: 'end-oldest', views: { limit: 1, windowSeconds: 3600 } });
    const [first = '', second = ''] = await tokensFor(user, 2);
    const { sessionId } = await redeem(site.app, first);
    expect(await sides[0].introspect(second)).toEqual(REFUSED);
    expect(await sides[0].introspect(sessionId)).toMatchObject({ active: true });
  });

  it('S26 the erasure of a user leaves no view behind', async () => {
    await limitTo(5);
    const user = await watchTwice();
    expect(await viewsOf(user)).toHaveLength(2);
    await askAsAdmin(site.app, site.editor, `/subjects/user/${user.id}`, { method: 'DELETE' });
    expect(await viewsOf(user)).toEqual([]);
  });

  it('counts, when lowered, the views that were had before; raised, it leaves room', async () => {
    await limitTo(2);
    const user = await watchTwice();
    await limitTo(1);
    expect(await askForToken(site.app, site.video, user.jwt)).toMatchObject({ status: 403 });
    await limitTo(3);
    await redeem(site.app, await tokenFor(user));
    expect(await askForToken(site.app, site.video, user.jwt)).toMatchObject({ status: 403 });
  });

  it('a refusal for want of a view holds no place of the concurrent sessions', async () => {
    await set({ views: { limit: 1, windowSeconds: 3600 }, maxConcurrent: 5 });
    const user = await newUser();
    const [one = '', two = ''] = await tokensFor(user, 2);
    await redeem(site.app, one);
    expect(await sides[0].introspect(two)).toEqual(REFUSED);
    const slots = await site.app.strapi.db
      .query('plugin::protected-vod.session-slot')
      .findMany({ where: { subject: `user:${user.id}` } });
    expect(slots).toHaveLength(1);
  });

  it('without a limit nothing is written; the sweep forgets what no policy counts', async () => {
    await limitTo(2);
    const user = await watchTwice();
    const { sweepViews } = site.app.strapi.plugin('protected-vod').service('role-policies');
    const policies = site.app.strapi.plugin('protected-vod').service('role-policies');
    await sweepViews.call(policies);
    expect(await viewsOf(user)).toHaveLength(2);
    await set({});
    await redeem(site.app, await tokenFor(user));
    expect(await viewsOf(user)).toHaveLength(2);
    await age(user, 5);
    await sweepViews.call(policies);
    expect(await viewsOf(user)).toHaveLength(0);
  });
});
