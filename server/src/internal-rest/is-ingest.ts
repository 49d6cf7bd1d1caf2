import type { IncomingHttpHeaders } from 'node:http';
import type { Core } from '@strapi/strapi';
import { INGEST_CREDENTIAL_HEADER } from '../../contracts';
import { bears } from './bearer';

/** Whether the request carries the ingest worker's derived credential (S1). */
export function isIngest(strapi: Core.Strapi, headers: IncomingHttpHeaders): boolean {
  return bears(strapi, headers[INGEST_CREDENTIAL_HEADER], (keyring) => keyring.ingestCredential);
}
