import type { Grant } from '../../server/contracts';
import { type StandInPlugin, startStandInPlugin } from './stand-in-plugin';
import { type StreamerCommand, startStreamerProcess } from './streamer-process';

const CLIENT = { addressPrefix: '127.0.0.0/24', agent: '0123456789abcdef' };

/** A streamer in a process of its own, with a stand-in plugin in this one. */
export interface LoneStreamer {
  port: number;
  plugin: StandInPlugin;
  /** Opens a session for any client on this machine; returns its id. */
  openSession(asset?: Grant['asset']): string;
  stop(): Promise<void>;
}

export async function startLoneStreamer(command: Omit<StreamerCommand, 'keys' | 'internalUrl'>): Promise<LoneStreamer> {
  const plugin = await startStandInPlugin();
  const { keys, internalUrl } = plugin;
  const streamer = await startStreamerProcess({ ...command, keys, internalUrl });
  return {
    port: streamer.port,
    plugin,
    openSession: (asset) => plugin.openSession(CLIENT, asset),
    async stop() {
      await streamer.stop();
      await plugin.stop();
    },
  };
}
