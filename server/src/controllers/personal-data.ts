import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { z } from 'zod';
import { adminIdSchema, externalSubjectKeySchema, guestLinkIdSchema } from '../../contracts';
import { getService } from '../services/get-service';
import type { Person } from '../services/person';
import { answerNdjson } from './ndjson';
import { ifConfigured } from './unconfigured';
import { validated } from './validated';

const userIdSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'This is no id of a user.');

const userOf = (ctx: Context): Person => ({ user: validated(userIdSchema, ctx.params.id) });
const subjectOf = (ctx: Context): Person => ({ subject: validated(externalSubjectKeySchema, ctx.params.id) });
const adminOf = (ctx: Context): Person => ({ admin: validated(adminIdSchema, ctx.params.id) });
const guestsOf = (ctx: Context): Person => ({ guestLink: validated(guestLinkIdSchema, ctx.params.id) });

/**
 * What is kept of one person: `/protected-vod/subjects/user/:id` of a user of this site, `/protected-vod/subjects/external/:id`
 * of one who lives elsewhere, `/protected-vod/subjects/guest-link/:id` of those who watched by one link,
 * `/protected-vod/subjects/admin/:id` of an administrator. None need exist any more.
 */
export function createPersonalDataController({ strapi }: { strapi: Core.Strapi }) {
  const service = () => getService(strapi, 'personal-data');
  const exporting = (personOf: (ctx: Context) => Person, name: string) => (ctx: Context) => {
    const person = personOf(ctx);
    const id = String(ctx.params.id).replace(/[^A-Za-z0-9_-]/g, '_');
    answerNdjson(ctx, `protected-vod-${name}-${id}`, service().pages(person));
  };
  const erasing = (personOf: (ctx: Context) => Person) => (ctx: Context) => {
    const person = personOf(ctx);
    return ifConfigured(strapi, ctx, async () => {
      ctx.body = { data: await service().erase(person) };
    });
  };
  return {
    exportUser: exporting(userOf, 'user'),
    exportExternal: exporting(subjectOf, 'subject'),
    exportGuestLink: exporting(guestsOf, 'guest-link'),
    exportAdmin: exporting(adminOf, 'admin'),
    eraseUser: erasing(userOf),
    eraseExternal: erasing(subjectOf),
    eraseGuestLink: erasing(guestsOf),
    eraseAdmin: erasing(adminOf),
  };
}
