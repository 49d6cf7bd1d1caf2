import type { Core } from '@strapi/strapi';
import { adminStanding, PREVIEW_ACTION } from '../admin-rights';
import { batched } from '../batch';
import type { Caller } from './caller';
import { type Denial, deny } from './decision';

/** Administrators as they are now, each looked at once: a preview ends with the account or the right (S8). */
export function createEditorCallers(strapi: Core.Strapi): (adminId: string) => Promise<Caller | Denial> {
  const standings = batched(async (ids: string[]) => {
    const found = ids.map(async (id) => [id, await adminStanding(strapi, id, PREVIEW_ACTION)] as const);
    return new Map(await Promise.all(found));
  });
  return async (adminId) => {
    switch (await standings(adminId)) {
      case 'holds-right':
        return { allow: true, role: null, privilege: { kind: 'editor' } };
      case 'without-right':
        return deny('permission-missing', 'not-entitled');
      case 'deactivated':
        return deny('admin-deactivated', 'not-entitled');
      default:
        return deny('admin-gone', 'not-entitled');
    }
  };
}
