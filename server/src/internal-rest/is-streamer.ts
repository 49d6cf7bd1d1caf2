import type { IncomingHttpHeaders } from 'node:http';
import type { Core } from '@strapi/strapi';
import { STREAMER_CREDENTIAL_HEADER } from '../../contracts';
import { bears } from './bearer';

/** Whether the request carries the streamer's derived credential; the ingest worker's is another (S1). */
export function isStreamer(strapi: Core.Strapi, headers: IncomingHttpHeaders): boolean {
  return bears(strapi, headers[STREAMER_CREDENTIAL_HEADER], (keyring) => keyring.streamerCredential);
}
