import { type StreamerCommand, startStreamerProcess } from '../../support/streamer-process';
import { familyOf, pinned, SERVER_CORE } from '../machine';
import type { BenchFilm } from './bench-film';
import { startPluginProcess } from './plugin-process';

/** The built streamer on the servers' core, and its plugin. */
export interface BenchStreamer {
  port: number;
  /** Those of the streamer and of the plugin. */
  pids(): number[];
  /** Of the streamer alone. */
  streamerPids(): number[];
  openSession(film: BenchFilm): Promise<string>;
  endSessions(sessionIds: readonly string[]): void;
  stop(): Promise<void>;
}

export type BenchStreamerOptions = Omit<StreamerCommand, 'through' | 'keys' | 'internalUrl'>;

export async function startBenchStreamer(options: BenchStreamerOptions): Promise<BenchStreamer> {
  const env = { PROTECTED_VOD_MAX_RESPONSES_PER_SESSION: '1000', ...options.env };
  const plugin = await startPluginProcess();
  const { keys, internalUrl } = plugin;
  const streamer = await startStreamerProcess({ ...options, env, keys, internalUrl, through: pinned(SERVER_CORE, []) });
  const streamerPids = (): number[] => familyOf(streamer.pid);
  return {
    port: streamer.port,
    streamerPids,
    pids: () => [plugin.pid, ...streamerPids()],
    openSession: ({ asset }) => plugin.openSession(asset),
    endSessions: plugin.endSessions,
    async stop() {
      await streamer.stop();
      await plugin.stop();
    },
  };
}

export const segmentPath = (sessionId: string, number: number): string => `/v/${sessionId}/hls/source-v1/${number}.m4s`;
