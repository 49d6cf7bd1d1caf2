import type { Context, Next } from 'koa';
import { z } from 'zod';
import { PUBLIC_REFUSALS, type PublicRefusal } from '../../contracts';

/**
 * Answers in Strapi's own error shape, with the stable code that frontends branch on. `details`: what they may learn
 * besides.
 */
export function refuse(ctx: Context, code: PublicRefusal, details: Record<string, unknown> = {}): void {
  const { status, sentence } = PUBLIC_REFUSALS[code];
  ctx.status = status;
  ctx.body = {
    data: null,
    error: { status, name: 'PlaybackRefused', message: sentence, details: { code, ...details } },
  };
}

/** The seconds are in the body too: browsers hide the header from pages of another origin. */
export function refuseForNow(ctx: Context, retryAfterSeconds: number): void {
  ctx.set('Retry-After', String(retryAfterSeconds));
  refuse(ctx, 'rate-limited', { retryAfterSeconds });
}

const MINT_PATH = /\/protected-vod\/videos\/[^/]+\/playback-token$/;
const codedSchema = z.object({ error: z.object({ details: z.object({ code: z.string() }) }) });

/**
 * Users & Permissions turns a caller away before the controller runs, and without a code. Frontends branch on one, so
 * the refusals of the token endpoint get it here, wherever they were made.
 */
export async function nameMintRefusals(ctx: Context, next: Next): Promise<void> {
  await next();
  if (!MINT_PATH.test(ctx.path) || (ctx.status !== 401 && ctx.status !== 403)) return;
  if (codedSchema.safeParse(ctx.body).success) return;
  const isNamed = ctx.get('Authorization') !== '';
  refuse(ctx, ctx.status === 403 && isNamed ? 'not-entitled' : 'login-required');
}
