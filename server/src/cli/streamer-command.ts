import path from 'node:path';
import { Command } from 'commander';
import { runBundle } from './run-bundle';

const SETTINGS = `
Settings come from the environment: PROTECTED_VOD_STREAMER_KEYS_FILE (made by \`protected-vod secret print\`, mode 0600),
PROTECTED_VOD_INTERNAL_URL, PROTECTED_VOD_STORAGE_ROOT, PROTECTED_VOD_CACHE_DIR, PROTECTED_VOD_HOST, PROTECTED_VOD_PORT
and more; the README lists all.`;

function isStreamerModule(loaded: unknown): loaded is { runStreamer: () => Promise<void> } {
  return typeof loaded === 'object' && loaded !== null && 'runStreamer' in loaded;
}

/** `entry`: the streamer's bundle, `dist/streamer` beside `dist/cli` unless told otherwise. */
export function streamerCommand(entry = () => path.join(__dirname, '../streamer/index.js')): Command {
  return new Command('streamer')
    .description('run one streamer without Strapi supervising it (streamer.mode "external")')
    .addHelpText('after', SETTINGS)
    .action(() => runBundle(entry(), isStreamerModule, ({ runStreamer }) => runStreamer()));
}
