import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { type RolePolicies, rolePoliciesSchema } from '../../contracts';
import { configOf } from '../config';
import { getService } from '../services/get-service';
import { sitePolicy } from '../services/role-policies/effective-policy';
import { entityTagOf, isMatched } from './entity-tag';
import { validated } from './validated';

/** In Strapi's own error shape. */
const CHANGED_MEANWHILE = {
  status: 412,
  name: 'PreconditionFailed',
  message: 'Somebody else has changed the policies since you read them. Read them again, then make your change.',
  details: { code: 'policies-changed' },
};

/** `GET` and `PUT /protected-vod/policies` (admin). */
export function createRolePoliciesController({ strapi }: { strapi: Core.Strapi }) {
  const service = () => getService(strapi, 'role-policies');
  const answer = (ctx: Context, policies: RolePolicies) => {
    ctx.set('Cache-Control', 'no-store');
    ctx.set('ETag', entityTagOf(policies));
    ctx.body = { data: policies, meta: { site: sitePolicy(configOf(strapi)) } };
  };
  return {
    async read(ctx: Context): Promise<void> {
      answer(ctx, await service().read());
    },
    /** The body replaces all policies; with `If-Match`, only those that the client has read. */
    async replace(ctx: Context): Promise<void> {
      const wanted = validated(rolePoliciesSchema, ctx.request.body);
      const unknown = await service().unknownRoles(wanted);
      if (unknown.length > 0) {
        throw new errors.ValidationError(`There is no role of this type: ${unknown.join(', ')}.`, { roles: unknown });
      }
      const { 'if-match': ifMatch } = ctx.req.headers;
      const isExpected = ifMatch === undefined ? null : (now: RolePolicies) => isMatched(ifMatch, entityTagOf(now));
      if (await service().replace(wanted, isExpected)) return answer(ctx, wanted);
      ctx.status = CHANGED_MEANWHILE.status;
      ctx.body = { data: null, error: CHANGED_MEANWHILE };
    },
  };
}
