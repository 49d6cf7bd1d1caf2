import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { auditFilterSchema, auditQuerySchema, auditReferenceSchema } from '../../contracts';
import { getService } from '../services/get-service';
import { answerNdjson } from './ndjson';
import { validated } from './validated';

/** `/protected-vod/audit`, for administrators who may read it. */
export function createAuditController({ strapi }: { strapi: Core.Strapi }) {
  const log = () => getService(strapi, 'audit-log');
  return {
    async find(ctx: Context): Promise<void> {
      const { limit, before, ...filter } = validated(auditQuerySchema, ctx.query);
      const { data, next } = await log().list(filter, { limit, before });
      ctx.body = { data, meta: { next } };
    },
    async findOne(ctx: Context): Promise<void> {
      const reference = auditReferenceSchema.safeParse(String(ctx.params.reference).toUpperCase());
      const entry = reference.success ? await log().find(reference.data) : null;
      if (entry) ctx.body = { data: entry };
      else ctx.notFound();
    },
    export(ctx: Context): void {
      const filter = validated(auditFilterSchema.strict(), ctx.query);
      answerNdjson(ctx, 'protected-vod-audit', log().pages(filter));
    },
  };
}
