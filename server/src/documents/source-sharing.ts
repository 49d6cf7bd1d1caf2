import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import { z } from 'zod';
import { VIDEO_UID } from '../content-types/uids';

const UPDATE_ACTION = 'plugin::content-manager.explorer.update';

const usingSchema = z.array(z.looseObject({ documentId: z.string(), title: z.string().nullish() }));

interface Ability {
  can(action: string, subject: unknown, field?: string): boolean;
}

function adminAbility(strapi: Core.Strapi): Ability | null {
  const state = strapi.requestContext.get()?.state;
  const ability: unknown = state?.userAbility;
  return typeof ability === 'object' && ability !== null && 'can' in ability ? (ability as Ability) : null;
}

/**
 * Attaching a film that other videos use passes their access rules by, so an admin needs the right to edit the source
 * of every one of them (S10). Conditions such as “is creator” are judged entry by entry. Calls that come from no admin
 * are not judged here.
 */
export async function refuseUnlessEditor(
  strapi: Core.Strapi,
  source: { id: number; name: string },
  exceptDocumentIds: string[],
): Promise<void> {
  const ability = adminAbility(strapi);
  if (!ability) return;
  const found: unknown[] = await strapi.db.query(VIDEO_UID).findMany({
    where: { source: { id: source.id }, documentId: { $notIn: exceptDocumentIds } },
    populate: { createdBy: { populate: ['roles'] }, updatedBy: true },
  });
  const manager = strapi.service('admin::permission').createPermissionsManager({ ability, model: VIDEO_UID });
  for (const video of usingSchema.parse(found)) {
    if (ability.can(UPDATE_ACTION, manager.toSubject(video), 'source')) continue;
    // Strapi answers every other ForbiddenError without its sentence.
    throw new errors.PolicyError(
      `“${source.name}” belongs to a video that you may not edit. Ask its editors, or upload the film yourself.`,
      { policy: 'source-sharing', code: 'source-shared' },
    );
  }
}
