import type { Core } from '@strapi/strapi';
import type { Context, Next } from 'koa';
import { z } from 'zod';
import { documentIdSchema, type PlaybackRefusal, PUBLIC_REFUSALS, type PublicRefusal } from '../../contracts';
import { requesterOf, requesterPrefix, requesterRole } from '../services/audit/requester';
import { getService } from '../services/get-service';

type RefusalDetails = Omit<PlaybackRefusal['error']['details'], 'code'>;

/**
 * Answers in Strapi's own error shape, with the stable code that frontends branch on. `details`: what they may learn
 * besides, above all the reference under which the audit tells the exact reason.
 */
export function refuse(ctx: Context, code: PublicRefusal, more: RefusalDetails = {}): void {
  const { status, sentence } = PUBLIC_REFUSALS[code];
  const details = { code, ...more };
  const body: PlaybackRefusal = { data: null, error: { status, name: 'PlaybackRefused', message: sentence, details } };
  ctx.status = status;
  ctx.body = body;
}

/** Who asks is told, not in whose name; and no video, so that asking for ever new ones makes no more rows (S26). */
function auditLimit(strapi: Core.Strapi): string {
  const asked = { role: requesterRole(strapi), clientPrefix: requesterPrefix(strapi) };
  const facts = { origin: requesterOf(strapi), reason: 'rate-limited', ...asked };
  return getService(strapi, 'audit').record({ kind: 'refusal', ...facts });
}

/** The seconds are in the body too: browsers hide the header from pages of another origin. */
export function refuseForNow(strapi: Core.Strapi, ctx: Context, retryAfterSeconds: number): void {
  ctx.set('Retry-After', String(retryAfterSeconds));
  refuse(ctx, 'rate-limited', { retryAfterSeconds, reference: auditLimit(strapi) });
}

const MINT_PATH = /\/protected-vod\/videos\/([^/]+)\/playback-token$/;
const codedSchema = z.object({ error: z.object({ details: z.object({ code: z.string() }) }) });

/** What Strapi's authentication refused without knowing the caller is a number, as all unknown credentials are (S26). */
function audit(strapi: Core.Strapi, ctx: Context, isNamed: boolean): string | undefined {
  const origin = requesterOf(strapi);
  const video = documentIdSchema.safeParse(MINT_PATH.exec(ctx.path)?.[1]).data;
  if (!origin && isNamed) getService(strapi, 'audit').countUnknownCredential();
  if (!origin || video === undefined) return undefined;
  const asked = { role: requesterRole(strapi), clientPrefix: requesterPrefix(strapi) };
  return getService(strapi, 'audit').record({ kind: 'refusal', origin, video, reason: 'permission-missing', ...asked });
}

/**
 * Users & Permissions turns a caller away before the controller runs, and without a code. Frontends branch on one, so
 * the refusals of the token endpoint get it here, wherever they were made.
 */
export function createMintRefusals(strapi: Core.Strapi) {
  return async function nameMintRefusals(ctx: Context, next: Next): Promise<void> {
    await next();
    if (!MINT_PATH.test(ctx.path) || (ctx.status !== 401 && ctx.status !== 403)) return;
    if (codedSchema.safeParse(ctx.body).success) return;
    const isNamed = ctx.get('Authorization') !== '';
    const reference = audit(strapi, ctx, isNamed);
    refuse(ctx, ctx.status === 403 && isNamed ? 'not-entitled' : 'login-required', { reference });
  };
}
