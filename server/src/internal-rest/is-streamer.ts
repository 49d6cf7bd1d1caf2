import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Core } from '@strapi/strapi';
import { STREAMER_CREDENTIAL_HEADER } from '../../contracts';
import { VodError } from '../errors';
import { getService } from '../services/get-service';

function isEqual(left: string, right: string): boolean {
  // Digests have one length, so the comparison takes the same time whatever was sent.
  const [a, b] = [left, right].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

/**
 * Whether the request carries the streamer's derived credential; the ingest worker's is another (S1). Nobody is the
 * streamer while the site's secret is not fit for use.
 */
export function isStreamer(strapi: Core.Strapi, headers: IncomingHttpHeaders): boolean {
  const shown = headers[STREAMER_CREDENTIAL_HEADER];
  if (typeof shown !== 'string') return false;
  try {
    return isEqual(shown, getService(strapi, 'keys').keyring().streamerCredential);
  } catch (error) {
    if (error instanceof VodError && error.code === 'secret-refused') return false;
    throw error;
  }
}
