import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free-port';
import { type StreamerCommand, type StreamerProcess, startStreamerProcess } from './streamer-process';

/** A streamer as systemd would run it: a process of its own that can be killed and started again. */
export interface ExternalStreamer {
  /** `http://127.0.0.1:<port>`; the same after a restart. */
  url: string;
  port: number;
  opsPort: number;
  /** All that it has printed. */
  output(): string;
  metrics(): Promise<string>;
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it, also anew, and waits until it is ready. */
  start(): Promise<void>;
  dispose(): Promise<void>;
}

export type ExternalStreamerOptions = Omit<StreamerCommand, 'directory' | 'opsPort'>;

/** Starts one and waits until it is ready: its last sync was answered. */
export async function startExternalStreamer(options: ExternalStreamerOptions): Promise<ExternalStreamer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-streamer-'));
  const { port = await freePort(), env } = options;
  const opsPort = await freePort();
  const command = { ...options, directory, port, opsPort, env: { PROTECTED_VOD_LOG_LEVEL: 'warn', ...env } };
  const lives: StreamerProcess[] = [];

  async function start(): Promise<void> {
    lives.push(await startStreamerProcess(command));
  }

  async function kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await lives.at(-1)?.stop(signal);
  }

  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    opsPort,
    output: () => lives.map((life) => life.output()).join(''),
    metrics: async () => (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text(),
    kill,
    start,
    async dispose() {
      await kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
