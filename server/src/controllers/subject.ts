import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { z } from 'zod';
import { getService } from '../services/get-service';
import type { Subject } from '../services/subject-data';
import { answerNdjson } from './ndjson';
import { validated } from './validated';

const idSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'This is no id.');

/**
 * `/protected-vod/subjects/user/:id`: what is kept of one person, who need not exist any more. The same below
 * `guest-link` of those who watched by one link.
 */
export function createSubjectController({ strapi }: { strapi: Core.Strapi }) {
  const data = () => getService(strapi, 'subject-data');
  const subjectOf = (ctx: Context, kind: Subject['kind']): Subject => ({
    kind,
    id: validated(idSchema, ctx.params.id),
  });
  const answerPages = (ctx: Context, subject: Subject) =>
    answerNdjson(ctx, `protected-vod-${subject.kind}-${subject.id}`, data().pages(subject));
  return {
    export(ctx: Context): void {
      answerPages(ctx, subjectOf(ctx, 'user'));
    },
    async erase(ctx: Context): Promise<void> {
      ctx.body = { data: await data().erase(subjectOf(ctx, 'user')) };
    },
    exportGuestLink(ctx: Context): void {
      answerPages(ctx, subjectOf(ctx, 'guest-link'));
    },
    async eraseGuestLink(ctx: Context): Promise<void> {
      ctx.body = { data: await data().erase(subjectOf(ctx, 'guest-link')) };
    },
  };
}
