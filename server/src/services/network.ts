import { type AddressInfo, isIPv4 } from 'node:net';
import type { Core } from '@strapi/strapi';
import { PLUGIN_ID, PROXY_MOUNT } from '../../contracts';
import { configOf } from '../config';
import { VodError } from '../errors';

const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

function absoluteHttpUrl(value: unknown): URL | null {
  if (typeof value !== 'string' || !URL.canParse(value)) return null;
  const url = new URL(value);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : null;
}

function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

/**
 * Base of the addresses that viewers get; no trailing slash. `requestOrigin` is what counts when the site has named
 * neither itself nor the streamer. Throws `VodError` `not-configured` when viewers could reach no streamer.
 */
export function publicBaseUrl(strapi: Core.Strapi, requestOrigin: string): string {
  const { mode, publicUrl } = configOf(strapi).streamer;
  if (publicUrl !== undefined) return withoutTrailingSlash(publicUrl);
  if (mode === 'external') {
    throw new VodError('not-configured', 'Set streamer.publicUrl: with streamer.mode "external" viewers need it.');
  }
  const own = absoluteHttpUrl(strapi.config.get('server.url'));
  return withoutTrailingSlash(own?.href ?? requestOrigin) + PROXY_MOUNT;
}

function loopbackOrigin(address: AddressInfo): string | null {
  if (['0.0.0.0', '::', '127.0.0.1', '::ffff:127.0.0.1'].includes(address.address)) {
    return `http://127.0.0.1:${address.port}`;
  }
  if (address.address === '::1') return `http://[::1]:${address.port}`;
  return null;
}

function describeListener(address: AddressInfo | string | null): string {
  if (address === null) return 'nowhere';
  if (typeof address === 'string') return 'on a unix socket';
  return `on ${isIPv4(address.address) ? address.address : `[${address.address}]`} only`;
}

/**
 * Where the streamer finds the plugin's internal REST. The server must be listening. Throws `VodError`
 * `internal-url-refused` unless that is loopback or https (S1).
 */
export function internalUrl(strapi: Core.Strapi): string {
  const configured = configOf(strapi).streamer.internalUrl;
  if (configured !== undefined) {
    const url = absoluteHttpUrl(configured);
    if (url?.protocol === 'https:' || LOOPBACK_HOSTS.has(url?.hostname ?? '')) return withoutTrailingSlash(configured);
    throw new VodError('internal-url-refused', 'streamer.internalUrl must be https, or http on loopback.');
  }
  const address = strapi.server.httpServer.address();
  const origin = address === null || typeof address === 'string' ? null : loopbackOrigin(address);
  if (origin === null) {
    throw new VodError(
      'internal-url-refused',
      `Strapi listens ${describeListener(address)}. Set streamer.internalUrl to its https address, ending in /internal, or let Strapi listen on loopback.`,
    );
  }
  return `${origin}${strapi.config.get('api.rest.prefix', '/api')}/${PLUGIN_ID}/internal`;
}

function isCorsConfig(entry: unknown): entry is { name: string; config?: { origin?: unknown } } {
  return typeof entry === 'object' && entry !== null && 'name' in entry && entry.name === 'strapi::cors';
}

/** What Strapi's own CORS middleware would allow, read as that middleware reads it. */
function strapiOrigins(middlewares: unknown): string[] {
  const entries: unknown[] = Array.isArray(middlewares) ? middlewares : [];
  const entry = entries.find((candidate) => candidate === 'strapi::cors' || isCorsConfig(candidate));
  if (entry === undefined) return [];
  const origin = isCorsConfig(entry) ? entry.config?.origin : undefined;
  if (origin === undefined || origin === null) return ['*'];
  if (Array.isArray(origin)) return origin.map(String);
  // A function decides by request, which a list cannot say; assuming `*` would open what the site has closed.
  return typeof origin === 'string' ? origin.split(',').map((part) => part.trim()) : [];
}

/** Origins whose pages may play: configured ones, else those that Strapi allows; the site's own always. */
export function corsOrigins(strapi: Core.Strapi): string[] {
  const configured = configOf(strapi).cors.origins ?? strapiOrigins(strapi.config.get('middlewares'));
  const own = absoluteHttpUrl(strapi.config.get('server.absoluteUrl'))?.origin;
  const all = own === undefined ? configured : [...configured, own];
  return [...new Set(all.filter((origin) => origin !== ''))];
}
