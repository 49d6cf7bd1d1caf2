import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import type { StreamerSettings } from '../../contracts';
import { configOf } from '../config';
import { VodError } from '../errors';
import { createStreamProxy, type StreamProxy } from '../proxy';
import { forkLauncher, type ProcessState, type ProcessStatus, Supervisor } from '../supervisor';
import { getService } from './get-service';
import { publicBaseUrl } from './network';
import { composeStreamerSettings } from './streamer-settings';

export interface StreamerService {
  /** Starts the managed streamer; the HTTP server must be listening. Does nothing in mode `external`. Never throws. */
  start(): void;
  /** Ends it; resolves when no process is left and nothing is being relayed. */
  stop(): Promise<void>;
  /** Starts it anew, also when it had been given up. */
  restart(): Promise<void>;
  /** Null in mode `external`, where the plugin supervises nothing. */
  status(): ProcessStatus | null;
  /** Port on which the managed streamer serves now; null while it does not. */
  port(): number | null;
  /** Base of the addresses that viewers get. Throws `VodError` `not-configured` when there can be none. */
  publicBaseUrl(requestOrigin: string): string;
  /** Cuts off the viewers of an ended session whose answers run through this process (S15). */
  endSession(sessionHash: string): void;
  /** The way of `/protected-vod/stream/*` through Strapi's own port. */
  proxyMiddleware: StreamProxy['middleware'];
}

const STARTS = { startSeconds: 1, startTimeoutSeconds: 60, startRetries: 8 };
const BACKOFF = { firstSeconds: 1, capSeconds: 30 };
/** Beyond the time that the streamer itself gives running responses. */
const STOP_MARGIN_SECONDS = 5;

const SERVING: ReadonlySet<ProcessState> = new Set(['STARTING', 'RUNNING']);
const GONE: ReadonlySet<ProcessState> = new Set(['EXITED', 'BACKOFF', 'FATAL', 'STOPPED']);

/** `dist/streamer` lies beside `dist/server`. */
function builtStreamer(): string {
  return path.join(__dirname, '../streamer/index.js');
}

/** The address to reach a server by that listens on `host`. */
function connectHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function warnOfHiddenViewers(strapi: Core.Strapi): void {
  const { trustedProxies, publicUrl } = configOf(strapi).streamer;
  if (trustedProxies.length > 0 || publicUrl !== undefined || strapi.config.get('server.proxy.koa') !== true) return;
  strapi.log.warn(
    'protected-vod: server.proxy.koa is on, but streamer.trustedProxies is empty: all viewers seem to come from the reverse proxy. Name its address there.',
  );
}

/** One per Strapi. `entry` is the streamer's script. */
export function createStreamerService({ strapi }: { strapi: Core.Strapi }, entry = builtStreamer): StreamerService {
  const { mode, host, publicUrl, trustedProxies, drainSeconds } = configOf(strapi).streamer;
  const edgeProof = randomBytes(32).toString('base64url');
  let port: number | null = null;
  let settings: StreamerSettings | null = null;

  const proxy = createStreamProxy({ host: connectHost(host), port: () => port, edgeProof, trustedProxies });

  function onState(state: ProcessState): void {
    if (!SERVING.has(state)) port = null;
    // A stalled viewer's answer does not notice that the streamer has died.
    if (GONE.has(state)) proxy.open.endAll();
  }

  const supervisor = new Supervisor({
    name: 'streamer',
    launch: forkLauncher({
      entry,
      settings: () => settings,
      onListening: (ports) => {
        port = ports.port;
      },
    }),
    log: strapi.log,
    ...STARTS,
    backoff: BACKOFF,
    stopWaitSeconds: drainSeconds + STOP_MARGIN_SECONDS,
    onState,
  });

  /** False: the site boots without a streamer, and the log says what to do. */
  function prepare(): boolean {
    if (mode !== 'managed') return false;
    try {
      const keys = getService(strapi, 'keys').streamerKeys();
      settings = composeStreamerSettings(strapi, { keys, edgeProof });
      return true;
    } catch (error) {
      if (!(error instanceof VodError)) throw error;
      strapi.log.error(`protected-vod: the streamer is not started. ${error.message}`);
      return false;
    }
  }

  return {
    start() {
      if (!prepare()) return;
      warnOfHiddenViewers(strapi);
      supervisor.start();
    },
    async stop() {
      await supervisor.stop();
      proxy.close();
    },
    async restart() {
      if (prepare()) await supervisor.restart();
    },
    status: () => (mode === 'managed' ? supervisor.status() : null),
    port: () => port,
    publicBaseUrl: (requestOrigin) =>
      publicBaseUrl({ mode, publicUrl, serverUrl: strapi.config.get('server.url', ''), requestOrigin }),
    endSession: proxy.open.endSession,
    proxyMiddleware: proxy.middleware,
  };
}
