import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { z } from 'zod';
import type { AdminAbility } from '../services/admin-rights';

const abilitySchema = z.custom<AdminAbility>(
  (value) => typeof value === 'object' && value !== null && 'can' in value && typeof value.can === 'function',
);

/** What the administrator who asks may do. Throws Strapi's 403 where nobody is signed in. */
export function abilityOf(ctx: Context): AdminAbility {
  const ability = abilitySchema.safeParse(ctx.state.userAbility);
  if (!ability.success) throw new errors.ForbiddenError('Only a signed-in administrator can do this.');
  return ability.data;
}
