import { createRequire } from 'node:module';
import path from 'node:path';
import { Command } from 'commander';

const SETTINGS = `
Settings come from the environment: PROTECTED_VOD_STREAMER_KEYS_FILE (made by \`protected-vod secret print\`, mode 0600),
PROTECTED_VOD_INTERNAL_URL, PROTECTED_VOD_STORAGE_ROOT, PROTECTED_VOD_CACHE_DIR, PROTECTED_VOD_HOST, PROTECTED_VOD_PORT
and more; the README lists all.`;

function isStreamerModule(loaded: unknown): loaded is { runStreamer: () => Promise<void> } {
  return typeof loaded === 'object' && loaded !== null && 'runStreamer' in loaded;
}

async function runStreamer(entry: string): Promise<void> {
  // A process manager's own IPC channel (PM2 opens one) would be taken for the plugin's, and settings awaited from it.
  if (process.connected) process.disconnect();
  delete process.send;
  // Not `import`: the streamer is a bundle of its own, which the bundler of this one must not pull in.
  const loaded: unknown = createRequire(entry)(entry);
  if (!isStreamerModule(loaded)) throw new Error(`${entry} is not the streamer.`);
  await loaded.runStreamer();
}

/** `entry`: the streamer's bundle, `dist/streamer` beside `dist/cli` unless told otherwise. */
export function streamerCommand(entry = () => path.join(__dirname, '../streamer/index.js')): Command {
  return new Command('streamer')
    .description('run one streamer without Strapi supervising it (streamer.mode "external")')
    .addHelpText('after', SETTINGS)
    .action(() => runStreamer(entry()));
}
