import { createHash, timingSafeEqual } from 'node:crypto';
import type { Core } from '@strapi/strapi';
import { STREAMER_CREDENTIAL_HEADER } from '../../contracts';
import { VodError } from '../errors';
import { getService } from '../services/get-service';

interface PolicyContext {
  request: { headers: Record<string, string | string[] | undefined> };
}

function isEqual(left: string, right: string): boolean {
  // Digests have one length, so the comparison takes the same time whatever was sent.
  const [a, b] = [left, right].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

/** Lets only the holder of the streamer's derived credential through; the ingest worker's is another (S1). */
export function isStreamer(context: PolicyContext, _config: unknown, { strapi }: { strapi: Core.Strapi }): boolean {
  const shown = context.request.headers[STREAMER_CREDENTIAL_HEADER];
  if (typeof shown !== 'string') return false;
  try {
    return isEqual(shown, getService(strapi, 'keys').keyring().streamerCredential);
  } catch (error) {
    if (error instanceof VodError && error.code === 'secret-refused') return false;
    throw error;
  }
}
