import { setTimeout as delay } from 'node:timers/promises';
import { type PlaybackTokenAnswer, playbackTokenAnswerSchema } from '../../server/contracts';
import { askAsAdmin } from './admin-rest';
import { type ApiToken, createApiToken, mintForSubject, tellChange } from './external-subjects';
import { deleteVideo, sendAsAdmin, unpublishVideo, VIDEO_ROUTE } from './films';
import { askForPreview, askWithLink, makeGuestLink } from './guest-links';
import { mint } from './minting';
import { PLAY, type PlaybackSite } from './playback-site';
import { setPolicies } from './policies';
import {
  createAdminWith,
  createSiteRole,
  createSiteUser,
  findSiteRole,
  grantPermission,
  type SiteUser,
} from './strapi-accounts';

const COURSE = 'api::course.course';
const ORDER = 'api::order.order';

/** For `pluginConfig`: who has paid for a course may watch its videos. */
export const COURSE_RULE = {
  name: 'bought',
  videosOf: { uid: COURSE, filters: { videos: '$video' } },
  uid: ORDER,
  filters: { state: 'paid', user: '$user', course: { videos: '$video' } },
};

/** Somebody who may watch one entry, with a role of its own, so that what happens to one concerns no other. */
export interface Watcher {
  user: SiteUser;
  role: { id: number; type: string };
  /** Row id of the right to play. */
  permission: number;
  documentId: string;
}

export async function createWatcher({ app }: PlaybackSite, documentId: string): Promise<Watcher> {
  const role = await createSiteRole(app, `watcher-${documentId}`);
  const permission = await grantPermission(app, role, PLAY);
  return { user: await createSiteUser(app, role), role, permission, documentId };
}

type Minted = PlaybackTokenAnswer['data'];

/** Something after which the watcher may watch no more. */
export interface RevokingChange {
  /** What is so before the watcher begins. */
  prepare?(watcher: Watcher): Promise<unknown>;
  /** How the watcher comes to a token; without it, by asking as the user who signed in. */
  mint?(watcher: Watcher): Promise<Minted>;
  /** Resolves when it is committed. */
  make(watcher: Watcher): Promise<unknown>;
}

/** Their names, before there is a site to make them on. */
export const REVOKING_CHANGES = [
  'role withdrawn',
  'user blocked',
  'permission unticked',
  'role deleted',
  'entry unpublished',
  'entry deleted',
  'window passed',
  'allowed roles edited',
  'policy of the role lowered',
  'order refunded',
  'rule removed',
  'subject changed',
  'session ended',
  'link revoked',
  'editor deactivated',
] as const;

/** More of them. To a session that plays they do what the others do, so that the slow tests of delivery leave them out. */
export const FURTHER_CHANGES = [
  'user deleted',
  'password changed',
  'signed out',
  'permissions deleted in bulk',
  'API token deleted',
  'sessions of the user ended',
] as const;

type ChangeName = (typeof REVOKING_CHANGES)[number] | (typeof FURTHER_CHANGES)[number];

/** A token for the watcher, as long as nothing was changed. */
export function mintBefore({ app }: PlaybackSite, change: RevokingChange, watcher: Watcher): Promise<Minted> {
  return change.mint?.(watcher) ?? mint(app, watcher.documentId, watcher.user.jwt);
}

/** Courses and orders that make the rule allow, and what takes that back. */
function ruleChanges({ app }: PlaybackSite): Record<'order refunded' | 'rule removed', RevokingChange> {
  const documents = (uid: string) => app.strapi.documents(uid as never);
  const entitlement = () => app.strapi.plugin('protected-vod').service('entitlement');
  const orders = new Map<Watcher, string>();
  const addCourse = async ({ documentId }: Watcher): Promise<string> => {
    const data = { title: 'Course', videos: [documentId] };
    return (await documents(COURSE).create({ data: data as never, status: 'published' })).documentId;
  };
  return {
    'order refunded': {
      async prepare(watcher) {
        const data = { state: 'paid', user: watcher.user.id, course: await addCourse(watcher) };
        orders.set(watcher, (await documents(ORDER).create({ data: data as never })).documentId);
      },
      make: (watcher) =>
        documents(ORDER).update({ documentId: orders.get(watcher) ?? '', data: { state: 'refunded' } as never }),
    },
    'rule removed': {
      async prepare(watcher) {
        await addCourse(watcher);
        const { documentId } = watcher;
        // Beside the rule of the course, which does not allow.
        await entitlement().register({
          name: `guest of ${documentId}`,
          decide: async ({ video }: { video: { documentId: string } }) => ({
            verdict: video.documentId === documentId ? 'allow' : 'abstain',
          }),
        });
      },
      make: ({ documentId }) => entitlement().unregister(`guest of ${documentId}`),
    },
  };
}

/** The watcher lives elsewhere, and the site there withdraws what it said. */
function subjectChange({ app }: PlaybackSite): RevokingChange {
  const tokens = new Map<Watcher, ApiToken>();
  const tokenOf = (watcher: Watcher): ApiToken => tokens.get(watcher) ?? { id: 0, accessKey: '' };
  return {
    async prepare(watcher) {
      tokens.set(watcher, await createApiToken(app));
    },
    mint: (watcher) =>
      mintForSubject(app, watcher.documentId, tokenOf(watcher), { id: 'ann', role: watcher.role.type }),
    make: (watcher) => tellChange(app, tokenOf(watcher), 'ann', { role: 'authenticated' }),
  };
}

/** Those who watch without a role: guests of a link, and editors. */
function inviteChanges({ app, editor }: PlaybackSite): Record<'link revoked' | 'editor deactivated', RevokingChange> {
  const links = new Map<Watcher, Awaited<ReturnType<typeof makeGuestLink>>>();
  const editors = new Map<Watcher, Awaited<ReturnType<typeof createAdminWith>>>();
  return {
    'link revoked': {
      async prepare(watcher) {
        links.set(watcher, await makeGuestLink(app, editor, { video: watcher.documentId, download: true }));
      },
      async mint(watcher) {
        const { body } = await askWithLink(app, { link: links.get(watcher)?.link });
        return playbackTokenAnswerSchema.parse(body).data;
      },
      make: (watcher) => askAsAdmin(app, editor, `/guest-links/${links.get(watcher)?.id}/revoke`, { method: 'POST' }),
    },
    'editor deactivated': {
      async prepare(watcher) {
        editors.set(watcher, await createAdminWith(app, [{ action: 'plugin::protected-vod.preview' }]));
      },
      async mint(watcher) {
        const { body } = await askForPreview(app, editors.get(watcher)?.token ?? '', watcher.documentId);
        return playbackTokenAnswerSchema.parse(body).data;
      },
      make: (watcher) => app.strapi.service('admin::user').updateById(editors.get(watcher)?.id, { isActive: false }),
    },
  };
}

/** What users do, or what is done to their accounts and to the sessions of theirs. */
function furtherChanges({ app, editor }: PlaybackSite): Record<(typeof FURTHER_CHANGES)[number], RevokingChange> {
  const users = () => app.strapi.plugin('users-permissions').service('user');
  const apiTokens = () => app.strapi.service('admin::api-token');
  const kiosks = new Map<Watcher, { id: number; accessKey: string }>();
  return {
    'user deleted': { make: ({ user }) => users().remove({ id: user.id }) },
    'password changed': { make: ({ user }) => users().edit(user.id, { password: 'Another-passw0rd' }) },
    'signed out': {
      prepare: ({ role }) => grantPermission(app, role, 'plugin::users-permissions.auth.logout'),
      async make({ user }) {
        const headers = { authorization: `Bearer ${user.jwt}` };
        const { status } = await fetch(`${app.url}/api/auth/logout`, { method: 'POST', headers });
        if (status !== 200) throw new Error(`logout answered ${status}`);
      },
    },
    'permissions deleted in bulk': {
      make: ({ role }) =>
        app.strapi.db.query('plugin::users-permissions.permission').deleteMany({ where: { role: { id: role.id } } }),
    },
    'API token deleted': {
      async prepare(watcher) {
        const name = `kiosk of ${watcher.documentId}`;
        const token = { name, description: '', type: 'custom', lifespan: null, permissions: [PLAY] };
        kiosks.set(watcher, await apiTokens().create(token));
      },
      mint: (watcher) => mint(app, watcher.documentId, kiosks.get(watcher)?.accessKey ?? ''),
      make: (watcher) => apiTokens().revoke(kiosks.get(watcher)?.id),
    },
    'sessions of the user ended': {
      make: ({ user }) => askAsAdmin(app, editor, '/sessions/end', { method: 'POST', body: { user: user.id } }),
    },
  };
}

/** The changes that end a session, each through the door that people use for it. */
export function revokingChanges(site: PlaybackSite): Record<ChangeName, RevokingChange> {
  const { app, editor } = site;
  const users = () => app.strapi.plugin('users-permissions');
  const republish = async ({ documentId }: Watcher, fields: object) =>
    sendAsAdmin(app, editor, `${VIDEO_ROUTE}/${documentId}/actions/publish`, { title: 'A film', ...fields });
  const ceilings: Record<string, { maxHeight: number }> = {};
  return {
    'role withdrawn': {
      make: async ({ user }) =>
        users()
          .service('user')
          .edit(user.id, { role: (await findSiteRole(app, 'authenticated')).id }),
    },
    'user blocked': { make: ({ user }) => users().service('user').edit(user.id, { blocked: true }) },
    'permission unticked': {
      make: ({ permission: id }) =>
        app.strapi.db.query('plugin::users-permissions.permission').delete({ where: { id } }),
    },
    'role deleted': {
      make: async ({ role }) =>
        users()
          .service('role')
          .deleteRole(role.id, (await findSiteRole(app, 'public')).id),
    },
    'entry unpublished': { make: ({ documentId }) => unpublishVideo(app, editor, documentId) },
    'entry deleted': { make: ({ documentId }) => deleteVideo(app, editor, documentId) },
    'window passed': {
      async make(watcher) {
        const end = Date.now() + 1500;
        await republish(watcher, { availableUntil: new Date(end).toISOString() });
        await delay(end - Date.now());
      },
    },
    'allowed roles edited': { make: (watcher) => republish(watcher, { allowedRoles: ['vip'] }) },
    'policy of the role lowered': {
      make({ role }) {
        ceilings[role.type] = { maxHeight: 1 };
        return setPolicies(app, editor, { roles: { ...ceilings } });
      },
    },
    ...ruleChanges(site),
    'subject changed': subjectChange(site),
    ...inviteChanges(site),
    ...furtherChanges(site),
    'session ended': {
      make: ({ documentId }) =>
        app.strapi
          .plugin('protected-vod')
          .service('playback-session')
          .store.endScope({ video: documentId }, 'ended-by-editor'),
    },
  };
}
