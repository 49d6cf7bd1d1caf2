import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { ASSET_UID, SETTING_UID, VIDEO_UID } from '../content-types/uids';
import { getService } from './get-service';
import type { Scope } from './playback-session/store';

const USER_UID = 'plugin::users-permissions.user';
const SESSION_UID = 'admin::session';
const WHOLE_SITE = ['plugin::users-permissions.role', 'plugin::users-permissions.permission'];

interface LifecycleEvent {
  params: { where?: unknown; data?: unknown };
  result?: unknown;
}

const rowSchema = z.object({ id: z.union([z.number(), z.string()]), documentId: z.string().nullish() });
const loginSchema = z.object({ userId: z.string(), origin: z.string(), expiresAt: z.coerce.date().nullish() });

function rowOf(event: LifecycleEvent) {
  return rowSchema.nullish().catch(null).parse(event.result) ?? null;
}

/** Which sessions a written user, entry, asset or API token concerns; what cannot be told concerns all. */
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

function changesPassword(event: LifecycleEvent): boolean {
  return z.object({ password: z.string().min(1) }).safeParse(event.params.data).success;
}

export interface RevocationService {
  /** Hears every write that may change a decision; each only makes the leases it concerns due now (S6). */
  subscribe(): void;
}

export function createRevocationService({ strapi }: { strapi: Core.Strapi }): RevocationService {
  const store = () => getService(strapi, 'playback-session').store;
  const watch = (models: string[], scopeOf: (event: LifecycleEvent) => Scope) => {
    const one = (event: LifecycleEvent) => store().markDue(scopeOf(event));
    // Bulk writes name no rows: everything is looked at again.
    const all = () => store().markDue({});
    strapi.db.lifecycles.subscribe({
      models,
      afterCreate: one,
      afterUpdate: one,
      afterDelete: one,
      afterCreateMany: all,
      afterUpdateMany: all,
      afterDeleteMany: all,
    });
  };
  return {
    subscribe() {
      watch([USER_UID], userScope);
      watch([VIDEO_UID], videoScope);
      watch([ASSET_UID], assetScope);
      watch(['admin::api-token'], apiTokenScope);
      watch(['admin::api-token-permission', SETTING_UID, ...WHOLE_SITE], () => ({}));
      strapi.db.lifecycles.subscribe({
        models: [USER_UID],
        async afterUpdate(event: LifecycleEvent) {
          if (changesPassword(event)) await store().endScope(userScope(event), 'password-changed');
        },
      });
      strapi.db.lifecycles.subscribe({
        models: [SESSION_UID],
        beforeDelete: (event: LifecycleEvent) => endOnLogout(strapi, event),
        beforeDeleteMany: (event: LifecycleEvent) => endOnLogout(strapi, event),
      });
    },
  };
}

/** Signing out deletes the visitor's sign-in sessions; the sweep of expired ones deletes rows too and ends nothing. */
async function endOnLogout(strapi: Core.Strapi, event: LifecycleEvent): Promise<void> {
  const where = z.record(z.string(), z.unknown()).catch({}).parse(event.params.where);
  if ('absoluteExpiresAt' in where) return;
  const found: unknown[] = await strapi.db.query(SESSION_UID).findMany({ where });
  const { store } = getService(strapi, 'playback-session');
  const logins = found.flatMap((row) => loginSchema.safeParse(row).data ?? []);
  const live = logins.filter((login) => !login.expiresAt || login.expiresAt.getTime() > Date.now());
  const users = new Set(live.filter((login) => login.origin === 'users-permissions').map((login) => login.userId));
  for (const id of users) await store.endScope({ origin: { kind: 'user', id } }, 'signed-out');
}
