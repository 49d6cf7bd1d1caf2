import { Readable } from 'node:stream';
import type { Context } from 'koa';
import { keepQuietOnLeaving } from '../leaving-client';

async function* linesOf(pages: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map((value) => `${JSON.stringify(value)}\n`).join('');
}

/** Sends newline-delimited JSON as it is read; a slow reader slows the reading, and nothing piles up in memory. */
export function answerNdjson(ctx: Context, name: string, pages: AsyncIterable<readonly unknown[]>): void {
  keepQuietOnLeaving(ctx);
  ctx.set('Cache-Control', 'no-store');
  ctx.attachment(`${name}.ndjson`);
  ctx.type = 'application/x-ndjson';
  // The status is out by then: a cut connection is how a reader learns that lines are missing.
  ctx.body = Readable.from(linesOf(pages)).once('error', () => ctx.res.destroy());
}
