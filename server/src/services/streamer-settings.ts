import path from 'node:path';
import type { Core } from '@strapi/strapi';
import type { StreamerKeys, StreamerSettings } from '../../contracts';
import { configOf } from '../config';
import { UNIX_PEER } from '../proxy';
import { corsOrigins, internalUrl } from './network';

/**
 * All that the managed streamer is told. The server must be listening. Throws `VodError` with a sentence for the
 * operator when there is no way to tell it where the plugin is.
 */
export function composeStreamerSettings(
  strapi: Core.Strapi,
  { keys, edgeProof }: { keys: StreamerKeys; edgeProof: string },
): StreamerSettings {
  const { storage, streamer, session, cors } = configOf(strapi);
  const appRoot = strapi.dirs.app.root;
  const storageRoot = path.resolve(appRoot, storage.root);
  return {
    keys,
    edgeProof,
    internalUrl: internalUrl({
      configured: streamer.internalUrl,
      listener: strapi.server.httpServer.address(),
      restPrefix: strapi.config.get('api.rest.prefix', '/api'),
    }),
    storageRoot,
    cacheDir:
      streamer.cacheDir === undefined ? path.join(storageRoot, 'cache') : path.resolve(appRoot, streamer.cacheDir),
    host: streamer.host,
    port: streamer.port,
    opsHost: streamer.opsHost,
    opsPort: streamer.opsPort,
    trustedProxies: streamer.trustedProxies.filter((entry) => entry !== UNIX_PEER),
    corsOrigins: corsOrigins({
      configured: cors.origins,
      middlewares: strapi.config.get('middlewares'),
      ownUrl: strapi.config.get('server.absoluteUrl'),
    }),
    memoryCacheBytes: streamer.memoryCacheBytes,
    diskCacheBytes: streamer.diskCacheBytes,
    maxResponsesPerSession: session.maxResponses,
    drainSeconds: streamer.drainSeconds,
    logLevel: streamer.logLevel,
  };
}
