import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { publishVideo } from '../support/films';
import { hashOf, introspect, redeem, syncingStreamer } from '../support/internal';
import { askForToken, mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { createSiteUser, findSiteRole, grantPermission, type SiteUser } from '../support/strapi-accounts';

const COURSE = 'api::course.course';
const ORDER = 'api::order.order';
const PLAY = 'plugin::protected-vod.playback.create';

const RULES = [
  {
    name: 'bought',
    videosOf: { uid: COURSE, filters: { videos: '$video' } },
    uid: ORDER,
    filters: { state: 'paid', user: '$user', course: { videos: '$video' } },
  },
  { name: 'vouchers', videos: { slug: 'voucher' }, uid: 'api::voucher.voucher', filters: { user: '$user' } },
  {
    name: 'staff',
    roles: ['staff'],
    videos: { slug: 'staff' },
    uid: ORDER,
    filters: { state: 'payed', user: '$user' },
  },
];

let site: PublishedSite;
const strapi = () => site.app.strapi;
const entitlement = () => strapi().plugin('protected-vod').service('entitlement');
const newVideo = (fields: object = {}) => publishVideo(site.app, site.editor, { source: site.source, ...fields });
const newUser = () => createSiteUser(site.app, site.role);

async function newCourse(videos: string[]): Promise<string> {
  const created = await strapi()
    .documents(COURSE as never)
    .create({ data: { title: 'Course', videos } as never, status: 'published' });
  return created.documentId;
}

async function newOrder(user: SiteUser, course: string, state = 'paid'): Promise<string> {
  const created = await strapi()
    .documents(ORDER as never)
    .create({ data: { state, user: user.id, course } as never });
  return created.documentId;
}

const editOrder = (documentId: string, data: object) =>
  strapi()
    .documents(ORDER as never)
    .update({ documentId, data: data as never });

async function ask(video: string, user: SiteUser | null): Promise<[number, string | undefined]> {
  const { status, code } = await askForToken(site.app, video, user?.jwt ?? null);
  return [status, code];
}

/** A session that plays, and what the next sync says of it. */
async function watching(user: SiteUser, video: string) {
  const sync = syncingStreamer(site.app);
  const session = hashOf((await redeem(site.app, (await mint(site.app, video, user.jwt)).token)).sessionId);
  const next = async () => (await sync([{ session }])).results[0]?.state;
  await next();
  return next;
}

/** A user who bought a course with one video and watches it. */
async function buyerWatching() {
  const user = await newUser();
  const video = await newVideo();
  const course = await newCourse([video]);
  const order = await newOrder(user, course);
  return { user, video, course, order, next: await watching(user, video) };
}

/** Where Strapi's log goes. */
const { _stdout: stdout } = console as unknown as { _stdout: NodeJS.WritableStream };
const logged: string[] = [];

beforeAll(async () => {
  const writing = vi.spyOn(stdout, 'write');
  site = await startPublishedSite({ pluginConfig: { rules: RULES } });
  logged.push(...writing.mock.calls.map(([text]) => String(text)));
  writing.mockRestore();
});

afterAll(() => site.app.stop());

describe('a rule of the configuration', () => {
  it('lets in who bought, and nobody else', async () => {
    const video = await newVideo();
    const [buyer, other] = [await newUser(), await newUser()];
    const course = await newCourse([video]);
    expect(await ask(video, buyer)).toEqual([403, 'not-entitled']);
    await newOrder(buyer, course);
    await newOrder(other, course, 'open');
    await newOrder(other, await newCourse([await newVideo()]));
    expect(await ask(video, buyer)).toEqual([200, undefined]);
    expect(await ask(video, other)).toEqual([403, 'not-entitled']);
  });

  it('is no matter of videos that it does not apply to', async () => {
    expect(await ask(await newVideo(), await newUser())).toEqual([200, undefined]);
  });

  it('asks a visitor who has not signed in to do so', async () => {
    await grantPermission(site.app, await findSiteRole(site.app, 'public'), PLAY);
    const video = await newVideo();
    await newCourse([video]);
    expect(await ask(video, null)).toEqual([401, 'login-required']);
  });

  it('a draft of a course gives nothing, and takes nothing', async () => {
    const { user, video, course, next } = await buyerWatching();
    const later = await newVideo();
    await newCourse([video, later]);
    const courses = strapi().documents(COURSE as never);
    await courses.update({ documentId: course, data: { title: 'Course', videos: [later] } as never });
    expect(await next()).toBe('renewed');
    expect([await ask(video, user), await ask(later, user)]).toEqual([
      [200, undefined],
      [403, 'not-entitled'],
    ]);
    await courses.publish({ documentId: course });
    expect(await next()).toBe('ended');
    expect([await ask(video, user), await ask(later, user)]).toEqual([
      [403, 'not-entitled'],
      [200, undefined],
    ]);
  });

  it('is about a video already when its course is a draft', async () => {
    const user = await newUser();
    const video = await newVideo();
    await strapi()
      .documents(COURSE as never)
      .create({ data: { title: 'Soon', videos: [video] } as never });
    expect(await ask(video, user)).toEqual([403, 'not-entitled']);
  });

  it('what is bought before its publication is watched after it', async () => {
    const user = await newUser();
    const video = await newVideo();
    const courses = strapi().documents(COURSE as never);
    const { documentId } = await courses.create({ data: { title: 'Soon', videos: [video] } as never });
    await newOrder(user, documentId);
    expect(await ask(video, user)).toEqual([403, 'not-entitled']);
    await courses.publish({ documentId });
    expect(await ask(video, user)).toEqual([200, undefined]);
  });

  it('that cannot be read denies what it would decide, and nothing else', async () => {
    const user = await newUser();
    expect(await ask(await newVideo({ slug: 'voucher' }), user)).toEqual([403, 'not-entitled']);
    const decision = await entitlement().decide({
      origin: { kind: 'user', id: String(user.id) },
      video: await newVideo({ slug: 'staff' }),
      locale: null,
    });
    expect(decision).toMatchObject({ allow: true });
  });

  it('that cannot be read is told in the log, with the place', () => {
    const log = logged.join('');
    expect(log).toContain('The rule "vouchers" is malformed and denies all that it would decide:');
    expect(log).toContain('filters: unknown type api::voucher.voucher.');
    expect(log).toContain('filters.state: "payed" is none of "open", "paid", "refunded".');
  });

  it('between mint and redemption: refused', async () => {
    const user = await newUser();
    const video = await newVideo();
    const order = await newOrder(user, await newCourse([video]));
    const { token } = await mint(site.app, video, user.jwt);
    await editOrder(order, { state: 'refunded' });
    expect(await introspect(site.app, token)).toEqual({ active: false, final: false });
  });
});

describe('S7 what a rule reads is watched', () => {
  const orders = () => strapi().db.query(ORDER);
  const changes: [string, (bought: Awaited<ReturnType<typeof buyerWatching>>) => Promise<unknown>][] = [
    ['order refunded', ({ order }) => editOrder(order, { state: 'refunded' })],
    [
      'order deleted',
      ({ order }) =>
        strapi()
          .documents(ORDER as never)
          .delete({ documentId: order }),
    ],
    ['order given to somebody else', async ({ order }) => editOrder(order, { user: (await newUser()).id })],
    ['order of another course', async ({ order }) => editOrder(order, { course: await newCourse([await newVideo()]) })],
    ['orders refunded in bulk', () => orders().updateMany({ where: { state: 'paid' }, data: { state: 'refunded' } })],
    ['orders deleted in bulk', () => orders().deleteMany({ where: { state: 'paid' } })],
    [
      'order taken from the course, from the side of the course',
      ({ course }) =>
        strapi()
          .documents(COURSE as never)
          .update({ documentId: course, data: { orders: [] } as never, status: 'published' }),
    ],
    [
      'order taken from its user, from the side of another user',
      async ({ order }) => {
        const { id } = await orders().findOne({ where: { documentId: order } });
        await strapi()
          .plugin('users-permissions')
          .service('user')
          .edit((await newUser()).id, { orders: [id] });
      },
    ],
    [
      'course unpublished',
      ({ course }) =>
        strapi()
          .documents(COURSE as never)
          .unpublish({ documentId: course }),
    ],
  ];

  it.each(changes)('%s: the session ends at the next sync', async (_name, change) => {
    const bought = await buyerWatching();
    expect(await bought.next()).toBe('unchanged');
    await change(bought);
    expect(await bought.next()).toBe('ended');
  });

  it('an order makes due the sessions of its user alone', async () => {
    const bought = await buyerWatching();
    const other = await buyerWatching();
    await bought.next();
    expect([await bought.next(), await other.next()]).toEqual(['unchanged', 'unchanged']);
    await newOrder(bought.user, bought.course, 'open');
    expect([await bought.next(), await other.next()]).toEqual(['renewed', 'unchanged']);
  });
});

describe('a rule in code', () => {
  const NAME = 'of-the-test';
  afterEach(() => entitlement().unregister(NAME));
  const register = (decide: (...args: never[]) => unknown, more: object = {}) =>
    entitlement().register({ name: NAME, decide, ...more });
  const decide = (user: SiteUser, video: string) =>
    entitlement().decide({ origin: { kind: 'user', id: String(user.id) }, video, locale: null });

  it('is told who asks for what', async () => {
    const user = await newUser();
    const video = await newVideo();
    const asked: unknown[] = [];
    await register(async (question) => {
      asked.push(question);
      return { verdict: 'abstain' };
    });
    expect(await ask(video, user)).toEqual([200, undefined]);
    const caller = { kind: 'user', id: String(user.id) };
    expect(asked).toEqual([{ caller, role: 'subscriber', video: { documentId: video, locale: 'en' } }]);
  });

  it('that allows speaks for who did not buy', async () => {
    const user = await newUser();
    const video = await newVideo();
    await newCourse([video]);
    await register(async () => ({ verdict: 'allow' }));
    expect(await ask(video, user)).toEqual([200, undefined]);
  });

  it('that denies outweighs a purchase, and tells the audit why', async () => {
    const { user, video, next } = await buyerWatching();
    await register(async () => ({ verdict: 'deny', reason: 'chargeback' }));
    expect(await next()).toBe('ended');
    expect(await ask(video, user)).toEqual([403, 'not-entitled']);
    expect(await decide(user, video)).toEqual({
      allow: false,
      reason: 'rule-denied',
      refusal: 'not-entitled',
      rule: { name: NAME, reason: 'chargeback' },
    });
  });

  it.each([
    ['throws at once', 'rule-failed', () => JSON.parse('{')],
    ['rejects', 'rule-failed', async () => Promise.reject(new Error('no'))],
    ['answers something else', 'rule-failed', async () => true],
    ['does not answer', 'rule-too-slow', () => new Promise(() => {})],
  ])('that %s denies: %s', async (_what, reason, rule) => {
    const user = await newUser();
    const video = await newVideo();
    await register(rule, { timeoutMs: 50 });
    expect(await decide(user, video)).toMatchObject({ allow: false, reason, rule: { name: NAME } });
    expect(await ask(video, user)).toEqual([403, 'not-entitled']);
  });

  it('ends the session when it is changed and says so', async () => {
    const user = await newUser();
    const video = await newVideo();
    let verdict: object = { verdict: 'allow' };
    await register(async () => verdict);
    const next = await watching(user, video);
    verdict = { verdict: 'deny', reason: 'over' };
    expect(await next()).toBe('unchanged');
    await entitlement().changed({ user: user.id });
    expect(await next()).toBe('ended');
  });

  it.each([
    ['everybody', () => undefined, true],
    ['the video', (_user: SiteUser, video: string) => ({ video }), true],
    ['a user who could not be told', () => ({ user: undefined }), true],
    ['another user', () => ({ user: 999_999 }), false],
  ])('changed() of %s', async (_whom, scope, isDue) => {
    const user = await newUser();
    const video = await newVideo();
    const next = await watching(user, video);
    expect(await next()).toBe('unchanged');
    await entitlement().changed(scope(user, video));
    expect(await next()).toBe(isDue ? 'renewed' : 'unchanged');
  });

  it('that is taken back counts no more', async () => {
    const { next } = await buyerWatching();
    await register(async () => ({ verdict: 'allow' }));
    expect(await next()).toBe('renewed');
    expect(await entitlement().unregister(NAME)).toBe(true);
    expect(await entitlement().unregister(NAME)).toBe(false);
    expect(await next()).toBe('renewed');
  });

  it('needs a name of its own, and something to decide with', async () => {
    await register(async () => ({ verdict: 'abstain' }));
    expect(() => register(async () => ({ verdict: 'abstain' }))).toThrow('There is a rule "of-the-test" already.');
    expect(() => entitlement().register({ name: 'bought', decide: async () => ({}) })).toThrow('already');
    expect(() => entitlement().register({ name: 'x', decide: 5 })).toThrow('This is no rule');
    expect(() => entitlement().register({ name: 'x', decide: async () => ({}), timeoutMs: 2001 })).toThrow('timeoutMs');
  });
});
