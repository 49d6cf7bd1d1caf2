import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { type RolePolicies, rolePoliciesSchema } from '../../contracts';
import { configOf } from '../config';
import { getService } from '../services/get-service';
import { sitePolicy } from '../services/role-policies/effective-policy';
import { validated } from './validated';

/** `GET` and `PUT /protected-vod/policies` (admin). */
export function createRolePoliciesController({ strapi }: { strapi: Core.Strapi }) {
  const answer = (policies: RolePolicies) => ({ data: policies, meta: { site: sitePolicy(configOf(strapi)) } });
  return {
    async read(ctx: Context): Promise<void> {
      ctx.set('Cache-Control', 'no-store');
      ctx.body = answer(await getService(strapi, 'role-policies').read());
    },
    /** The body replaces all policies. */
    async replace(ctx: Context): Promise<void> {
      const wanted = validated(rolePoliciesSchema, ctx.request.body);
      const policies = getService(strapi, 'role-policies');
      const unknown = await policies.unknownRoles(wanted);
      if (unknown.length > 0) {
        throw new errors.ValidationError(`There is no role of this type: ${unknown.join(', ')}.`, { roles: unknown });
      }
      await policies.replace(wanted);
      ctx.set('Cache-Control', 'no-store');
      ctx.body = answer(wanted);
    },
  };
}
