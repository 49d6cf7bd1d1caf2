import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { CLIP_PATH } from '../clips';
import { freePort } from '../free-port';
import { isAlive } from '../is-alive';
import { type StandInPlugin, startStandInPlugin } from '../stand-in-plugin';
import { FFMPEG, ffmpeg } from '../tools';
import { until } from '../until';

const probeSchema = z.object({
  heapUsed: z.number(),
  external: z.number(),
  rss: z.number(),
  /** Connections of viewers. */
  sockets: z.number(),
  rtmpSessions: z.number(),
  broadcasts: z.number(),
});

export type Probe = z.infer<typeof probeSchema>;

/** A streamer process of its own beside a stand-in for Strapi; it can be looked into. */
export interface ProbedStreamer {
  plugin: StandInPlugin;
  ports: { http: number; rtmp: number };
  isAlive(): boolean;
  /** `memory`: after a garbage collection. */
  probe(what: 'memory' | 'counts'): Promise<Probe>;
  /** Sum of a metric over all its labels. */
  metric(name: string): Promise<number>;
  /** What it has logged at level error, and what it has written to stderr. */
  complaints(): string[];
  dispose(): Promise<void>;
}

/** A few seconds that weigh nothing, where ffmpeg can make them; there are thousands of viewers. */
async function makeFilm(target: string): Promise<void> {
  if (!FFMPEG) return copyFile(CLIP_PATH, target);
  const picture = ['-vf', 'scale=160:-2', '-c:v', 'libx264', '-b:v', '60k', '-g', '24', '-bf', '2'];
  await ffmpeg(
    '-t',
    '12',
    '-i',
    CLIP_PATH,
    ...picture,
    '-c:a',
    'aac',
    '-b:a',
    '32k',
    '-movflags',
    '+faststart',
    target,
  );
}

async function writeSite(directory: string, plugin: StandInPlugin): Promise<void> {
  const film = path.join(directory, 'storage/films/film.mp4');
  await mkdir(path.dirname(film), { recursive: true });
  await makeFilm(film);
  const source = { id: 'source', storageKey: 'films/film.mp4', sizeBytes: (await stat(film)).size };
  plugin.terms.asset.renditions = [source];
  plugin.terms.protocols = ['hls', 'dash', 'mp4', 'http-flv', 'ws-flv', 'rtmp'];
  await writeFile(path.join(directory, 'keys.json'), JSON.stringify(plugin.keys), { mode: 0o600 });
}

function forkStreamer(directory: string, internalUrl: string, ports: Record<'http' | 'rtmp' | 'ops', number>) {
  return fork(path.join(import.meta.dirname, 'probed-child.cjs'), [], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      PATH: process.env.PATH,
      PROBED_PORTS: JSON.stringify([ports.http, ports.rtmp]),
      PROTECTED_VOD_STREAMER_KEYS_FILE: path.join(directory, 'keys.json'),
      PROTECTED_VOD_INTERNAL_URL: internalUrl,
      PROTECTED_VOD_STORAGE_ROOT: path.join(directory, 'storage'),
      PROTECTED_VOD_CACHE_DIR: path.join(directory, 'cache'),
      PROTECTED_VOD_PORT: String(ports.http),
      PROTECTED_VOD_OPS_PORT: String(ports.ops),
      PROTECTED_VOD_RTMP_PORT: String(ports.rtmp),
      PROTECTED_VOD_EDGE: 'true',
      PROTECTED_VOD_TRUSTED_PROXIES: '127.0.0.1',
    },
  });
}

/** Keeps complaints only: a run has tens of thousands of lines. */
function listenTo(child: ChildProcess): string[] {
  const complaints: string[] = [];
  let rest = '';
  child.stdout?.on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    complaints.push(...lines.filter((line) => /"level":(?:"error"|"fatal"|[56]0)/.test(line)));
  });
  child.stderr?.on('data', (chunk) => complaints.push(String(chunk)));
  return complaints;
}

/** Starts it and waits until it serves. */
export async function startProbedStreamer(): Promise<ProbedStreamer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-hostile-'));
  const plugin = await startStandInPlugin();
  const ports = { http: await freePort(), rtmp: await freePort(), ops: await freePort() };
  await writeSite(directory, plugin);
  const child = forkStreamer(directory, plugin.internalUrl, ports);
  const complaints = listenTo(child);
  const pid = child.pid ?? 0;
  const ops = `http://127.0.0.1:${ports.ops}`;
  const ready = async () => {
    if (!isAlive(pid)) throw new Error(`the streamer has ended: ${complaints.join('')}`);
    return (await fetch(`${ops}/readyz`).catch(() => null))?.status === 200;
  };
  await until('the streamer is ready', ready);
  return {
    plugin,
    ports,
    isAlive: () => isAlive(pid),
    async probe(what) {
      child.send(what);
      const [answer] = await once(child, 'message');
      return probeSchema.parse(answer);
    },
    async metric(name) {
      const text = await (await fetch(`${ops}/metrics`)).text();
      const rows = text.split('\n').filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)));
      return rows.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
    complaints: () => complaints,
    async dispose() {
      if (isAlive(pid)) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await plugin.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
