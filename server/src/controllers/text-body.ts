import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { MAX_TEXT_BYTES, TEXT_PROBLEMS } from '../../contracts';

const MIME = 'application/octet-stream';

function tooLarge(): Error {
  return new errors.PayloadTooLargeError(TEXT_PROBLEMS['text-too-large'], { code: 'text-too-large', line: null });
}

/**
 * The bytes of a text that was sent as it is. Of another type Strapi would have read it before, and guessed its encoding. Null: it
 * has another type. Throws Strapi's 413 as soon as it is too large.
 */
export async function readTextBody(ctx: Context): Promise<Buffer | null> {
  if (ctx.is(MIME) !== MIME) return null;
  const pieces: Buffer[] = [];
  let size = Number(ctx.get('Content-Length')) > MAX_TEXT_BYTES ? Number.POSITIVE_INFINITY : 0;
  // The connection is needed for the answer.
  for await (const piece of ctx.req.iterator({ destroyOnReturn: false })) {
    pieces.push(piece as Buffer);
    size += (piece as Buffer).byteLength;
    if (size > MAX_TEXT_BYTES) {
      // What else comes is not waited for.
      ctx.set('Connection', 'close');
      throw tooLarge();
    }
  }
  return Buffer.concat(pieces);
}
