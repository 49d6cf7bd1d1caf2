import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { ASSET_UID, GUEST_LINK_UID, SETTING_UID, VIDEO_UID } from '../content-types/uids';
import { getService } from './get-service';
import type { Scope } from './playback-session/store';

const USER_UID = 'plugin::users-permissions.user';
const ADMIN_UID = 'admin::user';
/** What an administrator may. */
const ADMIN_RIGHTS = ['admin::role', 'admin::permission'];
const SESSION_UID = 'admin::session';
const WHOLE_SITE = ['plugin::users-permissions.role', 'plugin::users-permissions.permission'];

interface LifecycleEvent {
  params: { where?: unknown; data?: unknown };
  result?: unknown;
}

const EVERYTHING: Scope = {};
const ALL_PREVIEWS: Scope = { originKind: 'admin' };
const ALL_GUESTS: Scope = { originKind: 'guest-link' };

/** Whose sign-ins Strapi keeps, and the kind of the sessions that end with them. */
const SIGN_INS = new Map([
  ['users-permissions', 'user'],
  ['admin', 'admin'],
] as const);

const rowSchema = z.object({ id: z.union([z.number(), z.string()]), documentId: z.string().nullish() });
const loginSchema = z.object({
  userId: z.string(),
  origin: z.enum(['users-permissions', 'admin']),
  expiresAt: z.coerce.date().nullish(),
});

function rowOf(event: LifecycleEvent) {
  return rowSchema.nullish().catch(null).parse(event.result) ?? null;
}

/** Which sessions a written user, entry, asset, API token, editor or link concerns; what cannot be told concerns all. */
function userScope(event: LifecycleEvent): Scope {
  const row = rowOf(event);
  return row ? { origin: { kind: 'user', id: String(row.id) } } : {};
}

function videoScope(event: LifecycleEvent): Scope {
  const documentId = rowOf(event)?.documentId;
  return documentId ? { video: documentId } : {};
}

function assetScope(event: LifecycleEvent): Scope {
  const documentId = rowOf(event)?.documentId;
  return documentId ? { asset: documentId } : {};
}

function apiTokenScope(event: LifecycleEvent): Scope {
  const row = rowOf(event);
  return row ? { apiToken: String(row.id) } : {};
}

function adminScope(event: LifecycleEvent): Scope {
  const row = rowOf(event);
  return row ? { origin: { kind: 'admin', id: String(row.id) } } : ALL_PREVIEWS;
}

function guestLinkScope(event: LifecycleEvent): Scope {
  const documentId = rowOf(event)?.documentId;
  return documentId ? { origin: { kind: 'guest-link', id: documentId } } : ALL_GUESTS;
}

function changesPassword(event: LifecycleEvent): boolean {
  return z.object({ password: z.string().min(1) }).safeParse(event.params.data).success;
}

export interface RevocationService {
  /** Hears every write that may change a decision; each only makes the leases it concerns due now (S6). */
  subscribe(): void;
}

export function createRevocationService({ strapi }: { strapi: Core.Strapi }): RevocationService {
  const store = () => getService(strapi, 'playback-session').store;
  const hear = (models: string[], one: (event: LifecycleEvent) => Promise<void>, all: () => Promise<void>) =>
    strapi.db.lifecycles.subscribe({
      models,
      afterCreate: one,
      afterUpdate: one,
      afterDelete: one,
      afterCreateMany: all,
      afterUpdateMany: all,
      afterDeleteMany: all,
    });
  const watch = (models: string[], scopeOf: (event: LifecycleEvent) => Scope, whole = EVERYTHING) =>
    // Bulk writes name no rows: everything that they may concern is looked at again.
    hear(
      models,
      (event) => store().markDue(scopeOf(event)),
      () => store().markDue(whole),
    );
  const rightsChanged = async () => {
    // While Strapi starts it puts its own rows right, one by one; all is announced when it listens.
    if (strapi.isLoaded) await store().markDue(ALL_PREVIEWS);
  };
  const endOnPassword = (model: string, scopeOf: (event: LifecycleEvent) => Scope) => {
    strapi.db.lifecycles.subscribe({
      models: [model],
      async afterUpdate(event: LifecycleEvent) {
        if (changesPassword(event)) await store().endScope(scopeOf(event), 'password-changed');
      },
    });
  };
  return {
    subscribe() {
      watch([USER_UID], userScope);
      watch([VIDEO_UID], videoScope);
      watch([ASSET_UID], assetScope);
      watch(['admin::api-token'], apiTokenScope);
      watch([ADMIN_UID], adminScope, ALL_PREVIEWS);
      hear(ADMIN_RIGHTS, rightsChanged, rightsChanged);
      watch([GUEST_LINK_UID], guestLinkScope, ALL_GUESTS);
      watch(['admin::api-token-permission', SETTING_UID, ...WHOLE_SITE], () => EVERYTHING);
      endOnPassword(USER_UID, userScope);
      endOnPassword(ADMIN_UID, adminScope);
      strapi.db.lifecycles.subscribe({
        models: [SESSION_UID],
        beforeDelete: (event: LifecycleEvent) => endOnLogout(strapi, event),
        beforeDeleteMany: (event: LifecycleEvent) => endOnLogout(strapi, event),
      });
    },
  };
}

/** Signing out deletes the visitor's or editor's sign-in sessions; the sweep of expired ones deletes rows too and ends nothing. */
async function endOnLogout(strapi: Core.Strapi, event: LifecycleEvent): Promise<void> {
  const where = z.record(z.string(), z.unknown()).catch({}).parse(event.params.where);
  if ('absoluteExpiresAt' in where) return;
  const found: unknown[] = await strapi.db.query(SESSION_UID).findMany({ where });
  const { store } = getService(strapi, 'playback-session');
  const logins = found.flatMap((row) => loginSchema.safeParse(row).data ?? []);
  const live = logins.filter((login) => !login.expiresAt || login.expiresAt.getTime() > Date.now());
  for (const [origin, kind] of SIGN_INS) {
    const ids = live.filter((login) => login.origin === origin).map(({ userId }) => userId);
    for (const id of new Set(ids)) await store.endScope({ origin: { kind, id } }, 'signed-out');
  }
}
