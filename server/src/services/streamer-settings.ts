import path from 'node:path';
import type { Core } from '@strapi/strapi';
import type { RtmpSettings, StreamerKeys, StreamerSettings } from '../../contracts';
import { configOf, type PluginConfig } from '../config';
import { UNIX_PEER } from '../proxy';
import { corsOrigins, internalUrl, ownOrigins } from './network';

function rtmpSettings(
  { host, port, allowPlaintext, tls }: PluginConfig['streamer']['rtmp'],
  appRoot: string,
): RtmpSettings {
  if (tls === undefined) return { host, port, allowPlaintext };
  const [keyFile, certificateFile] = [tls.keyFile, tls.certificateFile].map((file) => path.resolve(appRoot, file));
  return {
    host,
    port,
    allowPlaintext,
    tls: { port: tls.port, keyFile: keyFile ?? '', certificateFile: certificateFile ?? '' },
  };
}

/** What differs from one Strapi to the next of a site; each tells it when it attaches. */
export interface OwnOrigins {
  internalUrl: string;
  corsOrigins: string[];
}

/**
 * All that the managed streamer is told. The server must be listening. Throws `VodError` with a sentence for the
 * operator when there is no way to tell it where the plugin is.
 */
export function composeStreamerSettings(
  strapi: Core.Strapi,
  keys: StreamerKeys,
): { settings: StreamerSettings; own: OwnOrigins } {
  const { storage, streamer, session, cors } = configOf(strapi);
  const appRoot = strapi.dirs.app.root;
  const storageRoot = path.resolve(appRoot, storage.root);
  const own = {
    internalUrl: internalUrl({
      configured: streamer.internalUrl,
      listener: strapi.server.httpServer.address(),
      restPrefix: strapi.config.get('api.rest.prefix', '/api'),
    }),
    corsOrigins: ownOrigins(strapi.config.get('server.absoluteUrl')),
  };
  const settings: StreamerSettings = {
    keys,
    internalUrl: own.internalUrl,
    storageRoot,
    cacheDir:
      streamer.cacheDir === undefined ? path.join(storageRoot, 'cache') : path.resolve(appRoot, streamer.cacheDir),
    host: streamer.host,
    port: streamer.port,
    opsHost: streamer.opsHost,
    opsPort: streamer.opsPort,
    trustedProxies: streamer.trustedProxies.filter((entry) => entry !== UNIX_PEER),
    corsOrigins: corsOrigins({ configured: cors.origins, middlewares: strapi.config.get('middlewares') }),
    memoryCacheBytes: streamer.memoryCacheBytes,
    diskCacheBytes: streamer.diskCacheBytes,
    cutThreads: streamer.cutThreads,
    maxConnections: streamer.maxConnections,
    edge: streamer.edge,
    ...(streamer.accelPrefix !== undefined && { accelPrefix: streamer.accelPrefix }),
    ...(streamer.rtmp.enabled && { rtmp: rtmpSettings(streamer.rtmp, appRoot) }),
    maxResponsesPerSession: session.maxResponses,
    drainSeconds: streamer.drainSeconds,
    logLevel: streamer.logLevel,
  };
  return { settings, own };
}
