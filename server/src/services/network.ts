import { type AddressInfo, isIPv4 } from 'node:net';
import { PLUGIN_ID, PROXY_MOUNT } from '../../contracts';
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

export interface PublicAddresses {
  mode: 'managed' | 'external';
  publicUrl: string | undefined;
  /** Strapi's `server.url`: absolute, or a path without its trailing slash, or empty. */
  serverUrl: string;
  /** What counts when the site has named neither itself nor the streamer. */
  requestOrigin: string;
}

/** Base of the addresses that viewers get; no trailing slash. Throws `VodError` `not-configured` when there is none. */
export function publicBaseUrl({ mode, publicUrl, serverUrl, requestOrigin }: PublicAddresses): string {
  if (publicUrl !== undefined) return withoutTrailingSlash(publicUrl);
  if (mode === 'external') {
    throw new VodError('not-configured', 'Set streamer.publicUrl: with streamer.mode "external" viewers need it.');
  }
  const base = absoluteHttpUrl(serverUrl)?.href ?? withoutTrailingSlash(requestOrigin) + serverUrl;
  return withoutTrailingSlash(base) + PROXY_MOUNT;
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

function checkedInternalUrl(configured: string): string {
  const url = absoluteHttpUrl(configured);
  if (url?.protocol === 'https:' || LOOPBACK_HOSTS.has(url?.hostname ?? '')) return withoutTrailingSlash(configured);
  throw new VodError('internal-url-refused', 'streamer.internalUrl must be https, or http on loopback.');
}

export interface InternalAddresses {
  configured: string | undefined;
  /** Of Strapi's listening server. */
  listener: AddressInfo | string | null;
  /** Strapi's `api.rest.prefix`. */
  restPrefix: string;
}

/**
 * Where the streamer finds the plugin's internal REST. Throws `VodError` `internal-url-refused` unless that is
 * loopback or https (S1).
 */
export function internalUrl({ configured, listener, restPrefix }: InternalAddresses): string {
  if (configured !== undefined) return checkedInternalUrl(configured);
  const origin = listener === null || typeof listener === 'string' ? null : loopbackOrigin(listener);
  if (origin !== null) return `${origin}${restPrefix}/${PLUGIN_ID}/internal`;
  throw new VodError(
    'internal-url-refused',
    `Strapi listens ${describeListener(listener)}. Set streamer.internalUrl to its https address, ending in ${restPrefix}/${PLUGIN_ID}/internal, or let Strapi listen on loopback too.`,
  );
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

export interface CorsSources {
  configured: string[] | undefined;
  /** Strapi's `middlewares`. */
  middlewares: unknown;
}

/** Origins whose pages may play: configured ones, else those that Strapi allows. */
export function corsOrigins({ configured, middlewares }: CorsSources): string[] {
  const all = configured ?? strapiOrigins(middlewares);
  return [...new Set(all.filter((origin) => origin !== ''))];
}

/** Where this Strapi's own pages are, which may always play. `ownUrl` is Strapi's `server.absoluteUrl`. */
export function ownOrigins(ownUrl: unknown): string[] {
  const own = absoluteHttpUrl(ownUrl)?.origin;
  return own === undefined ? [] : [own];
}
