import type { IncomingMessage } from 'node:http';
import type { Core } from '@strapi/strapi';
import { OPERATOR_CREDENTIAL_HEADER } from '../../contracts';
import { bears } from './bearer';

const LOOPBACK = /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/;
/** What proxies add: a request that came through one did not begin on this machine. */
const FORWARDED = /^(?:forwarded|x-forwarded-.*|x-real-ip|via)$/;

/** Whether the request was made on this machine, past every proxy, by who holds the operator's derived credential. */
export function isOperator(strapi: Core.Strapi, { socket, headers }: IncomingMessage): boolean {
  if (!LOOPBACK.test(socket.remoteAddress ?? '')) return false;
  if (Object.keys(headers).some((name) => FORWARDED.test(name))) return false;
  return bears(strapi, headers[OPERATOR_CREDENTIAL_HEADER], (keyring) => keyring.operatorCredential);
}
