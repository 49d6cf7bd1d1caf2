import type { Core } from '@strapi/strapi';
import type { StreamerPorts } from '../../contracts';
import { configOf } from '../config';
import { VodError } from '../errors';
import { createStreamProxy, type StreamProxy } from '../proxy';
import type { ProcessState, ProcessStatus, RecentLines, ServingStreamer } from '../supervisor';
import { getService } from './get-service';
import { createManagedStreamer } from './managed-streamer';
import { publicBaseUrl } from './network';

export interface StreamerService {
  /**
   * Adopts the streamer that is there or starts one; the HTTP server must be listening. Does nothing in mode
   * `external`. Never throws.
   */
  start(): void;
  /** Ends it, unless another Strapi uses it; resolves when that is done and nothing is being relayed here. */
  stop(): Promise<void>;
  /** Starts it anew, for all who share it, also when it had been given up. */
  restart(): Promise<void>;
  /** Null in mode `external`, where the plugin supervises nothing. */
  status(): ProcessStatus | null;
  /** The last lines that the managed streamer logged. */
  readonly log: RecentLines;
  /** Port on which the managed streamer serves now; null while it does not. */
  port(): number | null;
  /** Of all that it serves now; null while it does not. */
  ports(): StreamerPorts | null;
  /** Port of its plain RTMP; null while it does not serve that. */
  rtmpPort(): number | null;
  /** Base of the addresses that viewers get. Throws `VodError` `not-configured` when there can be none. */
  publicBaseUrl(requestOrigin: string): string;
  /** Cuts off the viewers of an ended session whose answers run through this process (S15). */
  endSession(sessionHash: string): void;
  /** The way of `/protected-vod/stream/*` through Strapi's own port. */
  proxyMiddleware: StreamProxy['middleware'];
}

const SERVING: ReadonlySet<ProcessState> = new Set(['STARTING', 'RUNNING']);
const LOST: ReadonlySet<ProcessState> = new Set(['EXITED', 'BACKOFF', 'FATAL']);
/** For what a streamer that ended in good order has sent, and slow viewers have not read yet. */
const LAST_BYTES_MS = 5_000;

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

/** One per Strapi. `entry` tells the streamer's script; default: the built one. */
export function createStreamerService({ strapi }: { strapi: Core.Strapi }, entry?: () => string): StreamerService {
  const { mode, host, publicUrl, trustedProxies } = configOf(strapi).streamer;
  let serving: ServingStreamer | null = null;

  const proxy = createStreamProxy({
    host: connectHost(host),
    streamer: () => serving && { port: serving.ports.port, edgeProof: serving.edgeProof },
    trustedProxies,
  });

  function endSession(sessionHash: string): void {
    proxy.open.endSession(sessionHash);
    // A WebSocket stays at the token's address.
    if (proxy.open.hasTokens) endToken(sessionHash).catch((error: unknown) => strapi.log.error(error));
  }

  async function endToken(sessionHash: string): Promise<void> {
    const row = await getService(strapi, 'playback-session').store.findByHash(sessionHash);
    if (row !== null) proxy.open.endToken(row.token_id);
  }

  const managed = createManagedStreamer(
    strapi,
    {
      onState(state) {
        if (!SERVING.has(state)) serving = null;
        // A stalled viewer's answer does not notice that the streamer has died.
        if (LOST.has(state)) proxy.open.endAll();
        else if (state === 'STOPPED') proxy.open.endAll(LAST_BYTES_MS);
      },
      onServing(streamer) {
        serving = streamer;
      },
      // Viewers whose answers run through another Strapi than the one that learnt of the end, too (S15).
      onSessionEnded: endSession,
    },
    entry,
  );

  /** False: the site boots without a streamer, and the log says what to do. */
  function prepare(): boolean {
    if (mode !== 'managed') return false;
    try {
      managed.prepare();
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
      strapi.server.httpServer.prependListener('upgrade', proxy.upgrade);
      managed.supervisor.start();
    },
    async stop() {
      await managed.supervisor.stop();
      strapi.server.httpServer.off('upgrade', proxy.upgrade);
      proxy.close();
    },
    async restart() {
      if (prepare()) await managed.supervisor.restart();
    },
    status: () => (mode === 'managed' ? managed.supervisor.status() : null),
    log: managed.log,
    port: () => serving?.ports.port ?? null,
    ports: () => serving?.ports ?? null,
    rtmpPort: () => serving?.ports.rtmpPort ?? null,
    publicBaseUrl: (requestOrigin) =>
      publicBaseUrl({ mode, publicUrl, serverUrl: strapi.config.get('server.url', ''), requestOrigin }),
    endSession,
    proxyMiddleware: proxy.middleware,
  };
}
