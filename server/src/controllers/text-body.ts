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
  if (Number(ctx.get('Content-Length')) > MAX_TEXT_BYTES) throw tooLarge();
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of ctx.req) {
    pieces.push(piece as Buffer);
    size += (piece as Buffer).byteLength;
    if (size > MAX_TEXT_BYTES) throw tooLarge();
  }
  return Buffer.concat(pieces);
}
