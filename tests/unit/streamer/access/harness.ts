import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Client, type StreamerSettings, streamerSettingsSchema } from '../../../../server/contracts';
import { describeClient } from '../../../../streamer/src/access/client';
import { createLogger } from '../../../../streamer/src/logger';
import type { Packager } from '../../../../streamer/src/packager/packager';
import { createStreamer, type Overrides, type Streamer } from '../../../../streamer/src/streamer';
import { compiledPackagerThread } from '../../../support/packager-thread';
import { type StandInPlugin, startStandInPlugin } from '../../../support/stand-in-plugin';

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  /** Another loopback address is another client: 127.0.1.1 is in another /24 than 127.0.0.1. */
  from?: string;
  agent?: string;
}

export interface Site {
  plugin: StandInPlugin;
  streamer: Streamer;
  port: number;
  opsPort: number;
  rtmpPort: number | null;
  rtmpsPort: number | null;
  storageRoot: string;
  film: Buffer;
  logLines: string[];
  /** Moves the streamer's clock. */
  advance(seconds: number): void;
  ask(target: string, options?: Ask): Promise<Answer>;
  /** Redeems a fresh token from 127.0.0.1 and returns token and session id. */
  open(): Promise<{ token: string; sessionId: string }>;
  metric(name: string): Promise<number>;
  /** Access log entries of a route. */
  responses(route: string): { status: number; complete: boolean }[];
  stop(): Promise<void>;
}

export function request(port: number, target: string, options: Ask = {}): http.ClientRequest {
  const { method = 'GET', headers = {}, from = '127.0.0.1', agent = 'test-player' } = options;
  return http.request({
    host: '127.0.0.1',
    port,
    path: target,
    method,
    localAddress: from,
    agent: false,
    headers: { 'user-agent': agent, ...headers },
  });
}

export function ask(port: number, target: string, options: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(port, target, options);
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    sent.end();
  });
}

export interface SlowReader {
  /** Resolves when the first bytes are there; from then on nothing is read. */
  started: Promise<void>;
  /** Reads on to the end and resolves with the bytes received, or to where the connection was cut. */
  finish(): Promise<number>;
  destroy(): void;
}

export function readSlowly(port: number, target: string, options: Ask = {}): SlowReader {
  let received = 0;
  let response: http.IncomingMessage | undefined;
  const sent = request(port, target, options);
  const started = new Promise<void>((resolve) => {
    sent.on('response', (incoming) => {
      response = incoming.on('error', () => undefined).on('data', (chunk: Buffer) => (received += chunk.length));
      incoming.once('data', () => {
        incoming.pause();
        resolve();
      });
    });
  });
  const closed = new Promise<void>((resolve) => sent.on('close', resolve));
  sent.on('error', () => undefined);
  sent.end();
  const finish = async (): Promise<number> => {
    response?.resume();
    await closed;
    return received;
  };
  return { started, finish, destroy: () => sent.destroy() };
}

export function clientAt(address: string, agent = 'test-player'): Client {
  return describeClient(address, agent);
}

const SEGMENT_SECONDS = 6;

/** Ten segments of six seconds in one video and one audio track, without a film. */
export const plainPackager: Packager = {
  presentation: async () => ({
    durationSeconds: 60,
    tracks: (['v', 'a'] as const).map((letter) => ({
      id: `source-${letter}1`,
      rendition: 'source',
      kind: letter === 'v' ? ('video' as const) : ('audio' as const),
      codec: letter === 'v' ? 'avc1.640028' : 'mp4a.40.2',
      mime: letter === 'v' ? 'video/mp4' : 'audio/mp4',
      bandwidth: 1000,
      averageBandwidth: 1000,
      name: letter,
      segments: Array.from({ length: 10 }, (_, index) => ({
        startSeconds: index * SEGMENT_SECONDS,
        durationSeconds: SEGMENT_SECONDS,
      })),
    })),
  }),
  streamOutline: async () => ({ durationMs: 60_000, video: null, audio: null, runStartsMs: [0] }),
  packetRun: async () => null,
  initSegment: async (_asset, trackId) =>
    /^source-[va]1$/.test(trackId)
      ? { bytes: Buffer.from(`init ${trackId}`), durationSeconds: 0, mime: 'video/mp4', etag: '"init"' }
      : null,
  segmentInMemory: () => null,
  segmentFile: async () => null,
  segment: async (_asset, trackId, number) =>
    /^source-[va]1$/.test(trackId) && number <= 10
      ? { bytes: Buffer.alloc(1000, number), durationSeconds: SEGMENT_SECONDS, mime: 'video/mp4', etag: `"s${number}"` }
      : null,
  close: async () => undefined,
};

export interface SiteOptions {
  settings?: Partial<StreamerSettings>;
  overrides?: Partial<Overrides>;
  filmBytes?: number;
  /** `plain`: no film is read. */
  packager?: 'plain' | 'real';
  /** Before the streamer starts. */
  prepare?: (plugin: StandInPlugin) => void;
}

/** A streamer on real sockets with a stand-in plugin, a film and a clock that tests can push. */
export async function startSite(options: SiteOptions = {}): Promise<Site> {
  const { settings = {}, overrides = {}, filmBytes = 1000, packager = 'plain', prepare } = options;
  const plugin = await startStandInPlugin();
  prepare?.(plugin);
  const scratch = mkdtempSync(path.join(tmpdir(), 'streamer-test-'));
  const storageRoot = path.join(scratch, 'storage');
  mkdirSync(path.join(storageRoot, 'films'), { recursive: true });
  const film = Buffer.alloc(filmBytes, Buffer.from(Array.from({ length: 251 }, (_, index) => index)));
  writeFileSync(path.join(storageRoot, 'films/film.mp4'), film);
  const given = {
    keys: plugin.keys,
    internalUrl: plugin.internalUrl,
    storageRoot,
    cacheDir: path.join(scratch, 'cache'),
  };
  const logLines: string[] = [];
  const parsed = streamerSettingsSchema.parse({ drainSeconds: 0, ...given, ...settings });
  const secrets = [parsed.storageRoot, parsed.cacheDir, parsed.keys.credential];
  const logger = createLogger({ level: 'debug', secrets, destination: { write: (line) => void logLines.push(line) } });
  let ahead = 0;
  const clock = (): number => performance.now() + ahead;
  const pulse = { clock, syncIntervalMs: 20, heartbeatMs: 200, introspectTimeoutMs: 500 };
  const packaging = packager === 'plain' ? { packager: plainPackager } : { packagerThread: compiledPackagerThread() };
  const streamer = createStreamer(parsed, logger, { ...pulse, ...packaging, ...overrides });
  const { port, opsPort, rtmpPort, rtmpsPort } = await streamer.start();

  const site: Site = {
    plugin,
    streamer,
    port,
    opsPort,
    rtmpPort,
    rtmpsPort,
    storageRoot,
    film,
    logLines,
    advance(seconds) {
      ahead += seconds * 1000;
    },
    ask: (target, options) => ask(port, target, options),
    async open() {
      const token = await plugin.mint();
      const answer = await ask(port, `/v/${token}/hls/main.m3u8`);
      if (answer.status !== 302) throw new Error(`the token was not redeemed: ${answer.status}`);
      return { token, sessionId: plugin.sessionOf(token) };
    },
    async metric(name) {
      const { body } = await ask(opsPort, '/metrics');
      const lines = body
        .toString()
        .split('\n')
        .filter((line) => line.startsWith(name) && !line.startsWith('#'));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    responses: (route) => logLines.map((line) => JSON.parse(line)).filter((entry) => entry.route === route),
    async stop() {
      await streamer.stop();
      await plugin.stop();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
  return site;
}
