import { randomUUID } from 'node:crypto';
import type { ChildMessage, StreamerSettings } from '../../server/contracts';
import { createClientAddressReader, createProxyCheck, type ProxyCheck, parseTrusted } from './access/client-address';
import { type Clock, monotonicClock } from './access/clock';
import { type ConnectionLimit, createConnectionLimit } from './access/connection-limit';
import { createGate, type Gate } from './access/gate';
import { createIntrospectionClient } from './access/introspection-client';
import { createTokenVerifier } from './access/playback-token';
import { createPluginApi, type PluginApi } from './access/plugin-api';
import { onePlugin, type PluginHosts } from './access/plugin-hosts';
import { createPosterLookup } from './access/poster-lookup';
import { createSessionLookup } from './access/session-lookup';
import { createSessions, type Sessions } from './access/sessions';
import { createSignatureBudget } from './access/signature-budget';
import { createSync, type Sync } from './access/sync';
import { createTokenLookup } from './access/token-lookup';
import { createTrustedKeys, type TrustedKeys } from './access/trusted-keys';
import { type Accel, createAccel } from './edge/accel';
import { createEdgeAuthorizer } from './edge/authorize';
import { createMetrics, type Metrics } from './health/metrics';
import { createOperations } from './health/operations';
import { createCors } from './http/cors';
import { createDelivery } from './http/delivery';
import { createHandler } from './http/handlers';
import { createPictures } from './http/pictures';
import { createSegmentShortcut } from './http/segment-shortcut';
import { type BoundServer, createHttpServer } from './http/server';
import { createStorage, type Storage } from './http/storage-path';
import type { Logger } from './logger';
import { createPackager, type Packager } from './packager/packager';
import { builtThread } from './packager/threads/built-thread';
import { createFlvHandler } from './rtmp/flv-answer';
import { createFlvSocket } from './rtmp/flv-socket';
import { createRtmpServer, type RtmpServer } from './rtmp/rtmp-server';

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
  hosts: Partial<PluginHosts>;
  clock: Clock;
  syncIntervalMs: number;
  heartbeatMs: number;
  introspectTimeoutMs: number;
  packager: Packager;
  /** Path of a `packager-thread` that runs. */
  packagerThread: string;
}

type Rhythm = Omit<Overrides, 'packager' | 'packagerThread' | 'hosts'>;

const RHYTHM: Rhythm = {
  clock: monotonicClock,
  syncIntervalMs: 1_000,
  heartbeatMs: 10_000,
  introspectTimeoutMs: 3_000,
};
/** A proxy keeps a permission for up to a second more: together they stay within two. */
const EDGE_SYNC_INTERVAL_MS = 800;
const MAX_INTROSPECTION_BYTES = 256 * 1024;
const MAX_POSTER_ANSWER_BYTES = 16 * 1024;
const MAX_SYNC_ANSWER_BYTES = 4 * 1024 * 1024;

interface Core {
  /** Names this process to the plugin. */
  bootId: string;
  settings: Readonly<StreamerSettings>;
  hosts: PluginHosts;
  rhythm: Rhythm;
  metrics: Metrics;
  sessions: Sessions;
  keys: TrustedKeys;
}

function openLine(
  { settings, hosts, rhythm }: Core,
  limits: { maxAnswerBytes: number; maxSockets: number },
): PluginApi {
  const { keys } = settings;
  const { clock, introspectTimeoutMs: timeoutMs } = rhythm;
  return createPluginApi({ hosts, credential: keys.credential, timeoutMs, clock, ...limits });
}

function composeGate(core: Core, { asking, showing }: { asking: PluginApi; showing: PluginApi }): Gate {
  const { settings, rhythm, metrics: observer, sessions, keys } = core;
  const { clock } = rhythm;
  const introspection = createIntrospectionClient({ api: asking, bootId: core.bootId, observer, clock });
  const lookup = createSessionLookup({ sessions, introspection, keys, clock });
  const verifier = createTokenVerifier(keys);
  const signatures = createSignatureBudget(clock);
  const tokenLookup = createTokenLookup({ sessions, lookup, introspection, verifier, keys, observer, signatures });
  const posterLookup = createPosterLookup({ api: showing, keys, observer, signatures, clock });
  return createGate({ lookup, tokenLookup, posterLookup, maxResponsesPerSession: settings.maxResponsesPerSession });
}

function composeCore(settings: Readonly<StreamerSettings>, overrides: Partial<Overrides>): Core {
  const edgeRhythm = settings.edge ? { syncIntervalMs: EDGE_SYNC_INTERVAL_MS } : {};
  const rhythm = { ...RHYTHM, ...edgeRhythm, ...overrides };
  const metrics = createMetrics(() => sessions.size);
  const hosts = { ...onePlugin(settings.internalUrl), ...overrides.hosts };
  const sessions = createSessions(metrics, rhythm.clock, hosts.sessionEnded);
  const keys = createTrustedKeys(settings.keys);
  return { bootId: randomUUID(), settings, hosts, rhythm, metrics, sessions, keys };
}

function composePackager({ settings, metrics }: Core, storage: Storage, entry = builtThread()): Packager {
  const { memoryCacheBytes, diskCacheBytes, cacheDir, cutThreads } = settings;
  const { resolve } = storage;
  const threads = { entry, count: cutThreads };
  return createPackager({ memoryCacheBytes, diskCacheBytes, cacheDir, threads, resolve, onEvent: metrics.packagerDid });
}

function composeAccel(
  { accelPrefix: prefix }: StreamerSettings,
  packager: Packager,
  isProxied: ProxyCheck,
): Accel | null {
  return prefix === undefined ? null : createAccel({ prefix, packager, isProxied });
}

function composeSync(core: Core, syncing: PluginApi, logger: Logger): Sync {
  const { bootId, rhythm, sessions, keys, metrics: observer } = core;
  const { syncIntervalMs: intervalMs, heartbeatMs, clock } = rhythm;
  return createSync({ api: syncing, bootId, sessions, keys, observer, logger, clock, intervalMs, heartbeatMs });
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

/** Null: no RTMP at all. */
function composeRtmp(
  { settings, rhythm, metrics: observer }: Core,
  parts: { gate: Gate; packager: Packager; logger: Logger; mayConnect: ConnectionLimit },
): RtmpServer | null {
  const { rtmp, trustedProxies } = settings;
  if (rtmp === undefined) return null;
  return createRtmpServer({ settings: rtmp, trustedProxies, clock: rhythm.clock, observer, ...parts });
}

/** Puts the parts together; nothing runs before `start`. */
export function createStreamer(
  settings: Readonly<StreamerSettings>,
  logger: Logger,
  overrides: Partial<Overrides> = {},
): Streamer {
  const core = composeCore(settings, overrides);
  const storage = createStorage(settings.storageRoot);
  const packager = overrides.packager ?? composePackager(core, storage, overrides.packagerThread);
  // Lines of their own, so that a crowd of newcomers cannot make a sync wait, nor a page of posters a newcomer (S17).
  const asking = openLine(core, { maxAnswerBytes: MAX_INTROSPECTION_BYTES, maxSockets: 32 });
  const showing = openLine(core, { maxAnswerBytes: MAX_POSTER_ANSWER_BYTES, maxSockets: 8 });
  const syncing = openLine(core, { maxAnswerBytes: MAX_SYNC_ANSWER_BYTES, maxSockets: 1 });
  const gate = composeGate(core, { asking, showing });
  const isProxied = createProxyCheck(settings.trustedProxies);
  const accel = composeAccel(settings, packager, isProxied);
  const streaming = { packager, clock: core.rhythm.clock, observer: core.metrics };
  const flv = createFlvHandler(streaming);
  const pictures = createPictures(storage);
  const handler = createHandler({ packager, storage, pictures, observePackaging: core.metrics.packaged, accel, flv });
  const { edgeProofs, corsOrigins } = core.hosts;
  const cors = createCors(settings.corsOrigins, corsOrigins);
  const addressOf = createClientAddressReader({ ...settings, edgeProofs });
  const edge = settings.edge ? createEdgeAuthorizer({ gate, packager, cors, addressOf, isProxied }) : null;
  const shortcut = createSegmentShortcut({ packager, cors, accel });
  const listener = createDelivery({
    ...{ gate, shortcut, handler, pictures, cors, addressOf, logger, edge },
    observer: core.metrics,
  });
  const onUpgrade = createFlvSocket({ ...streaming, gate, cors, addressOf, logger });
  const isProxy = parseTrusted(settings.trustedProxies);
  const mayConnect = createConnectionLimit({ max: settings.maxConnections, isProxy });
  const delivery = createHttpServer(listener, { onUpgrade, mayConnect });
  const rtmp = composeRtmp(core, { gate, packager, logger, mayConnect });
  const sync = composeSync(core, syncing, logger);
  const operations = composeOperations(core, { sync, storage, logger });

  async function start(): Promise<Ports> {
    const opsPort = await operations.listen(settings.opsHost, settings.opsPort);
    const port = await delivery.listen(settings.host, settings.port);
    const rtmpPorts = (await rtmp?.listen()) ?? { rtmpPort: null, rtmpsPort: null };
    await sync.start();
    logger.info({ port, opsPort, ...rtmpPorts }, 'streamer listening');
    return { port, opsPort, ...rtmpPorts };
  }

  async function stop(): Promise<void> {
    const graceMs = settings.drainSeconds * 1000;
    await Promise.all([delivery.close(graceMs), rtmp?.close(graceMs)]);
    await sync.stop();
    await operations.close(0);
    await packager.close();
    for (const line of [asking, showing, syncing]) line.close();
    logger.info('streamer stopped');
  }

  return { start, stop };
}
