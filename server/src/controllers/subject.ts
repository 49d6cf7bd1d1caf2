import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { externalSubjectIdSchema, subjectChangeSchema } from '../../contracts';
import { getService } from '../services/get-service';
import { apiTokenOfRequest } from '../services/request-caller';
import { subjectKey } from '../tokens/subject-origin';
import { refuseForNow } from './refusal';
import { ifConfigured } from './unconfigured';
import { validated } from './validated';

/**
 * POST /api/protected-vod/subjects/:id/changed: an API token tells something of a user who lives elsewhere. The action is
 * the permission to speak for such users at all, at the token endpoint too.
 */
export function createSubjectController({ strapi }: { strapi: Core.Strapi }) {
  return {
    async vouch(ctx: Context): Promise<void> {
      ctx.set('Cache-Control', 'no-store');
      const apiToken = apiTokenOfRequest(ctx);
      // The box can be ticked for roles as well, and means nothing there.
      if (apiToken === null) return void ctx.forbidden();
      const id = validated(externalSubjectIdSchema, ctx.params.id);
      const change = validated(subjectChangeSchema, ctx.request.body ?? {});
      const rate = getService(strapi, 'rate-limits').change(apiToken);
      if (rate.limited) return refuseForNow(strapi, ctx, rate.retryAfterSeconds);
      // Of this API token's subjects alone: another one's of the same id is somebody else.
      const key = subjectKey(`${apiToken}:${id}`);
      await ifConfigured(strapi, ctx, async () => {
        ctx.body = { data: { sessions: await getService(strapi, 'external-subjects').changed(key, change) } };
      });
    },
  };
}
