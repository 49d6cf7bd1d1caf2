import type { ChildMessage, StreamerSettings } from '../../server/contracts';
import { createClientAddressReader } from './access/client-address';
import { type Clock, monotonicClock } from './access/clock';
import { createGate, type Gate } from './access/gate';
import { createIntrospectionClient } from './access/introspection-client';
import { createTokenVerifier } from './access/playback-token';
import { createPluginApi, type PluginApi } from './access/plugin-api';
import { createSessionLookup } from './access/session-lookup';
import { deriveTagKey } from './access/session-tag';
import { createSessions, type Sessions } from './access/sessions';
import { createSync, type Sync } from './access/sync';
import { createTokenLookup } from './access/token-lookup';
import { createMetrics, type Metrics } from './health/metrics';
import { createOperations } from './health/operations';
import { createCors } from './http/cors';
import { createDelivery } from './http/delivery';
import { createHandler } from './http/handlers';
import { type BoundServer, createHttpServer } from './http/server';
import { createStorage, type Storage } from './http/storage-path';
import type { Logger } from './logger';
import { createPackager, type Packager } from './packager/packager';

/** Where the streamer serves; null: not at all. */
export type Ports = Omit<Extract<ChildMessage, { type: 'listening' }>, 'type'>;

export interface Streamer {
  /** Throws StreamError `listen-failed` or `settings-invalid`. */
  start(): Promise<Ports>;
  /** Lets running responses finish for `drainSeconds`, then cuts them. */
  stop(): Promise<void>;
}

/** What may be put in from outside; tests turn the clock by hand. */
export interface Overrides {
  clock: Clock;
  syncIntervalMs: number;
  heartbeatMs: number;
  introspectTimeoutMs: number;
  packager: Packager;
}

type Rhythm = Omit<Overrides, 'packager'>;

const RHYTHM: Rhythm = {
  clock: monotonicClock,
  syncIntervalMs: 1_000,
  heartbeatMs: 10_000,
  introspectTimeoutMs: 3_000,
};
const MAX_INTROSPECTION_BYTES = 256 * 1024;
const MAX_SYNC_ANSWER_BYTES = 4 * 1024 * 1024;

interface Core {
  settings: Readonly<StreamerSettings>;
  rhythm: Rhythm;
  metrics: Metrics;
  sessions: Sessions;
}

function openLine({ settings, rhythm }: Core, limits: { maxAnswerBytes: number; maxSockets: number }): PluginApi {
  const { internalUrl, keys } = settings;
  const { clock, introspectTimeoutMs: timeoutMs } = rhythm;
  return createPluginApi({ internalUrl, credential: keys.credential, timeoutMs, clock, ...limits });
}

function composeGate(core: Core, asking: PluginApi): Gate {
  const { settings, rhythm, metrics: observer, sessions } = core;
  const { clock } = rhythm;
  const introspection = createIntrospectionClient(asking, observer, clock);
  const tagKey = deriveTagKey(settings.keys.credential);
  const lookup = createSessionLookup({ sessions, introspection, tagKey, clock });
  const verifier = createTokenVerifier(settings.keys.publicKeys);
  const tokenLookup = createTokenLookup({ sessions, lookup, introspection, verifier, observer, clock });
  return createGate({ lookup, tokenLookup, maxResponsesPerSession: settings.maxResponsesPerSession });
}

function composeCore(settings: Readonly<StreamerSettings>, overrides: Partial<Overrides>): Core {
  const rhythm = { ...RHYTHM, ...overrides };
  const metrics = createMetrics(() => sessions.size);
  const sessions = createSessions(metrics, rhythm.clock);
  return { settings, rhythm, metrics, sessions };
}

function composePackager({ settings, metrics }: Core, storage: Storage): Packager {
  const { memoryCacheBytes, diskCacheBytes, cacheDir } = settings;
  const { resolve } = storage;
  return createPackager({ memoryCacheBytes, diskCacheBytes, cacheDir, resolve, onEvent: metrics.packagerDid });
}

function composeSync(core: Core, syncing: PluginApi, logger: Logger): Sync {
  const { rhythm, sessions, metrics: observer } = core;
  const { syncIntervalMs: intervalMs, heartbeatMs, clock } = rhythm;
  return createSync({ api: syncing, sessions, observer, logger, clock, intervalMs, heartbeatMs });
}

function composeOperations(core: Core, parts: { sync: Sync; storage: Storage; logger: Logger }): BoundServer {
  const { sync, storage, logger } = parts;
  async function findObstacles(): Promise<string[]> {
    const obstacles = sync.healthy ? [] : ['the plugin did not answer the last sync'];
    await storage.check().catch(() => obstacles.push('the storage root cannot be read'));
    return obstacles;
  }
  return createHttpServer(createOperations({ metrics: core.metrics, findObstacles, logger }));
}

/** Puts the parts together; nothing runs before `start`. */
export function createStreamer(
  settings: Readonly<StreamerSettings>,
  logger: Logger,
  overrides: Partial<Overrides> = {},
): Streamer {
  const core = composeCore(settings, overrides);
  const storage = createStorage(settings.storageRoot);
  const packager = overrides.packager ?? composePackager(core, storage);
  // Two lines, so that a crowd of newcomers cannot make a sync wait (S17).
  const asking = openLine(core, { maxAnswerBytes: MAX_INTROSPECTION_BYTES, maxSockets: 32 });
  const syncing = openLine(core, { maxAnswerBytes: MAX_SYNC_ANSWER_BYTES, maxSockets: 1 });
  const gate = composeGate(core, asking);
  const handler = createHandler({ packager, storage, observePackaging: core.metrics.packaged });
  const cors = createCors(settings.corsOrigins);
  const addressOf = createClientAddressReader(settings);
  const delivery = createHttpServer(createDelivery({ gate, handler, cors, addressOf, logger, observer: core.metrics }));
  const sync = composeSync(core, syncing, logger);
  const operations = composeOperations(core, { sync, storage, logger });

  async function start(): Promise<Ports> {
    const opsPort = await operations.listen(settings.opsHost, settings.opsPort);
    const port = await delivery.listen(settings.host, settings.port);
    sync.start();
    logger.info({ port, opsPort }, 'streamer listening');
    return { port, opsPort, rtmpPort: null, rtmpsPort: null };
  }

  async function stop(): Promise<void> {
    await delivery.close(settings.drainSeconds * 1000);
    await sync.stop();
    await operations.close(0);
    await packager.close();
    for (const line of [asking, syncing]) line.close();
    logger.info('streamer stopped');
  }

  return { start, stop };
}
