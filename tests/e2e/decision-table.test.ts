import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditEventSchema, type PublicRefusal, playbackRefusalSchema } from '../../server/contracts';
import { askAsAdmin } from '../support/admin-rest';
import { type ApiToken, askForSubject, createApiToken } from '../support/external-subjects';
import { publishVideo, sendAsAdmin, unpublishVideo, VIDEO_ROUTE } from '../support/films';
import { askForPreview, askWithLink, makeGuestLink } from '../support/guest-links';
import { hashOf, introspect, redeem, streamerSide } from '../support/internal';
import { askForToken, type MintResponse } from '../support/minting';
import { PLAY, type PublishedSite, startPublishedSite } from '../support/playback-site';
import { setPolicies } from '../support/policies';
import {
  type AdminAccount,
  createAdminWith,
  createSiteRole,
  createSiteUser,
  findSiteRole,
  grantPermission,
  type SiteUser,
} from '../support/strapi-accounts';

const COURSE = 'api::course.course';
const ORDER = 'api::order.order';
const SESSION = 'plugin::protected-vod.playback-session';
const DAY_MS = 86_400_000;
const RULE = {
  name: 'bought',
  videosOf: { uid: COURSE, filters: { videos: '$video' } },
  uid: ORDER,
  filters: { state: 'paid', user: '$user', course: { videos: '$video' } },
};

/** Who asks: the role, `editor` or `guest` for who has none, whether it may play at all, and whether the course is paid for. */
const CALLERS = [
  { name: 'a subscriber', role: 'subscriber', mayPlay: true, bought: false },
  { name: 'a subscriber who bought', role: 'subscriber', mayPlay: true, bought: true },
  { name: 'a VIP', role: 'vip', mayPlay: true, bought: false },
  { name: 'a VIP who bought', role: 'vip', mayPlay: true, bought: true },
  { name: 'a member who bought', role: 'member', mayPlay: false, bought: true },
  { name: 'a VIP who lives elsewhere', role: 'vip', mayPlay: true, bought: false, elsewhere: true },
  { name: 'a visitor', role: 'public', mayPlay: false, bought: false },
  { name: 'an editor', role: 'editor', mayPlay: true, bought: false },
  { name: 'a guest', role: 'guest', mayPlay: true, bought: false },
] as const;
type Caller = (typeof CALLERS)[number];

const WINDOWS = { 'no window': [null, null], 'before its window': [1, 2], 'after its window': [-2, -1] } as const;
/** Every entry that these differ in. */
const ENTRIES = [true, false].flatMap((published) =>
  (Object.keys(WINDOWS) as (keyof typeof WINDOWS)[]).flatMap((window) =>
    [null, ['vip']].flatMap((allowedRoles) =>
      [false, true].map((inCourse) => ({
        name: `${published ? 'published' : 'draft'}, ${window}, ${allowedRoles ?? 'all roles'}, ${inCourse ? 'in' : 'no'} course`,
        published,
        window,
        allowedRoles,
        inCourse,
      })),
    ),
  ),
);
type Entry = (typeof ENTRIES)[number];

const POLICIES = [
  { name: 'without a policy', maxHeight: null },
  { name: 'with a ceiling below the film', maxHeight: 360 },
] as const;
type Policy = (typeof POLICIES)[number];

/** DESIGN §5: the first that says no. Null: yes. */
function expectedReason(caller: Caller, entry: Entry, { maxHeight }: Policy): string | null {
  if (caller.role === 'editor') return null;
  if (!caller.mayPlay) return 'permission-missing';
  if (!entry.published) return 'video-unpublished';
  if (entry.window === 'before its window') return 'window-not-open';
  if (entry.window === 'after its window') return 'window-closed';
  if (caller.role === 'guest') return null;
  if (entry.allowedRoles !== null && !entry.allowedRoles.includes(caller.role)) return 'role-not-allowed';
  if (entry.inCourse && !caller.bought) return 'rule-unmatched';
  return maxHeight === null ? null : 'quality-above-ceiling';
}

const PUBLIC_CODES: Record<string, PublicRefusal> = {
  'video-unpublished': 'not-found',
  'window-not-open': 'not-available-yet',
};

function expectedCode(caller: Caller, reason: string | null): string | null {
  if (reason === null) return null;
  if (caller.role === 'public') return 'login-required';
  return PUBLIC_CODES[reason] ?? 'not-entitled';
}

let site: PublishedSite;
/** None: the visitor. */
const users = new Map<Caller, SiteUser>();
const videos = new Map<Entry, string>();
const links = new Map<Entry, string>();
let previewer: AdminAccount;
/** Sessions of a time when everybody was allowed, by policy, caller and entry. */
const sessions = new Map<string, string>();
const keyOf = (...parts: { name: string }[]): string => parts.map(({ name }) => name).join(' | ');
const videoOf = (entry: Entry): string => videos.get(entry) ?? '';
/** Speaks for who lives elsewhere. */
let shop: ApiToken;

function ask(caller: Caller, entry: Entry): Promise<MintResponse> {
  if (caller.role === 'editor') return askForPreview(site.app, previewer.token, videoOf(entry));
  if (caller.role === 'guest') return askWithLink(site.app, { link: links.get(entry) });
  if ('elsewhere' in caller) return askForSubject(site.app, videoOf(entry), shop, { id: 'ann', role: caller.role });
  return askForToken(site.app, videoOf(entry), users.get(caller)?.jwt ?? null);
}

async function createCallers(): Promise<() => Promise<void>> {
  const { app } = site;
  const roles = new Map([['subscriber', site.role]]);
  roles.set('vip', await createSiteRole(app, 'vip'));
  roles.set('member', await createSiteRole(app, 'member'));
  roles.set('public', await findSiteRole(app, 'public'));
  const granted = new Map<string, number>();
  for (const [type, role] of roles)
    if (type !== 'subscriber') granted.set(type, await grantPermission(app, role, PLAY));
  for (const caller of CALLERS) {
    if (caller.role === 'editor' || caller.role === 'guest') continue;
    const role = roles.get(caller.role);
    if (!role) throw new Error(`no role ${caller.role}`);
    if (caller.role !== 'public' && !('elsewhere' in caller)) users.set(caller, await createSiteUser(app, role));
  }
  return async () => {
    for (const { role, mayPlay } of CALLERS) {
      const id = granted.get(role);
      if (mayPlay || id === undefined) continue;
      await app.strapi.db.query('plugin::users-permissions.permission').delete({ where: { id } });
    }
  };
}

async function openSession(caller: Caller, entry: Entry): Promise<string> {
  const { body } = await ask(caller, entry);
  const { token } = (body as { data: { token: string } }).data;
  return hashOf((await redeem(site.app, token)).sessionId);
}

async function sellCourse(): Promise<void> {
  const documents = (uid: string) => site.app.strapi.documents(uid as never);
  const inCourse = ENTRIES.filter((entry) => entry.inCourse).map(videoOf);
  const data = { title: 'Course', videos: inCourse };
  const { documentId: course } = await documents(COURSE).create({ data: data as never, status: 'published' });
  for (const caller of CALLERS.filter(({ bought }) => bought)) {
    const user = users.get(caller)?.id;
    await documents(ORDER).create({ data: { state: 'paid', user, course } as never });
  }
}

async function edit(entry: Entry): Promise<void> {
  const [from, until] = WINDOWS[entry.window].map((days) => days && new Date(Date.now() + days * DAY_MS).toISOString());
  const fields = { availableFrom: from, availableUntil: until, allowedRoles: entry.allowedRoles, source: site.source };
  const route = `${VIDEO_ROUTE}/${videoOf(entry)}/actions/publish`;
  await sendAsAdmin(site.app, site.editor, route, { title: 'A film', ...fields });
  if (!entry.published) await unpublishVideo(site.app, site.editor, videoOf(entry));
}

const usePolicy = ({ maxHeight }: Policy) =>
  setPolicies(site.app, site.editor, {
    roles: maxHeight === null ? {} : { subscriber: { maxHeight }, vip: { maxHeight } },
  });

beforeAll(async () => {
  site = await startPublishedSite({ pluginConfig: { rules: [RULE] } });
  shop = await createApiToken(site.app);
  for (const entry of ENTRIES) {
    const video = await publishVideo(site.app, site.editor, { source: site.source });
    videos.set(entry, video);
    links.set(entry, (await makeGuestLink(site.app, site.editor, { video })).link);
  }
  previewer = await createAdminWith(site.app, [{ action: 'plugin::protected-vod.preview' }]);
  const takeBack = await createCallers();
  for (const policy of POLICIES) {
    for (const caller of CALLERS) {
      for (const entry of ENTRIES) sessions.set(keyOf(policy, caller, entry), await openSession(caller, entry));
    }
  }
  await takeBack();
  await sellCourse();
  for (const entry of ENTRIES) await edit(entry);
});

afterAll(() => site.app.stop());

/** The exact reason behind a refusal, as an editor looks it up. */
async function reasonBehind(reference: string | undefined): Promise<string | null> {
  if (reference === undefined) return null;
  const { body } = await askAsAdmin(site.app, site.editor, `/audit/${reference}`);
  return auditEventSchema.parse((body as { data: unknown }).data).reason;
}

describe.each(POLICIES)('$name', (policy) => {
  beforeAll(() => usePolicy(policy));

  it.each(CALLERS)(
    'POST playback-token of $name answers for each entry as the first objection says',
    async (caller) => {
      const [answered, expected]: Record<string, unknown>[] = [{}, {}];
      for (const entry of ENTRIES) {
        const reason = expectedReason(caller, entry, policy);
        const { body, code } = await ask(caller, entry);
        const { reference } = playbackRefusalSchema.safeParse(body).data?.error.details ?? {};
        Object.assign(answered ?? {}, { [entry.name]: [code ?? null, await reasonBehind(reference)] });
        Object.assign(expected ?? {}, { [entry.name]: [expectedCode(caller, reason), reason] });
      }
      expect(answered).toEqual(expected);
    },
  );

  it('at the next lease every session ends for the same reason, or goes on', async () => {
    const keys = CALLERS.flatMap((caller) => ENTRIES.map((entry) => ({ caller, entry })));
    const hashes = keys.map(({ caller, entry }) => sessions.get(keyOf(policy, caller, entry)) ?? '');
    await streamerSide(site.app).sync(hashes.map((session) => ({ session })));
    const rows: unknown[] = await site.app.strapi.db
      .query(SESSION)
      .findMany({ where: { sessionHash: { $in: hashes } } });
    const reasons = new Map(
      (rows as { sessionHash: string; endReason: string | null }[]).map((row) => [row.sessionHash, row.endReason]),
    );
    const ended = keys.map(({ caller, entry }, at) => [caller.name, entry.name, reasons.get(hashes[at] ?? '')]);
    const expected = keys.map(({ caller, entry }) => [caller.name, entry.name, expectedReason(caller, entry, policy)]);
    expect(ended).toEqual(expected);
  });
});

it('what has ended stays ended when everything is allowed again', async () => {
  await usePolicy(POLICIES[0]);
  const { sessionHash } = await site.app.strapi.db.query(SESSION).findOne({ where: { state: 'ended' } });
  const { results } = await streamerSide(site.app).sync([{ session: sessionHash }]);
  expect(results).toEqual([{ session: sessionHash, state: 'ended' }]);
  expect((await introspect(site.app, `ps_${'A'.repeat(40)}`)).active).toBe(false);
});
