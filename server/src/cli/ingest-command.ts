import path from 'node:path';
import { Command } from 'commander';
import { runBundle } from './run-bundle';

const SETTINGS = `
Settings come from the environment: PROTECTED_VOD_INGEST_KEYS_FILE (made by \`protected-vod secret print --role ingest\`, mode
0600), PROTECTED_VOD_INTERNAL_URL, PROTECTED_VOD_STORAGE_ROOT and more; the README lists all. It needs ffmpeg.`;

function isIngestModule(loaded: unknown): loaded is { runIngest: () => Promise<void> } {
  return typeof loaded === 'object' && loaded !== null && 'runIngest' in loaded;
}

/** `entry`: the worker's bundle, `dist/ingest` beside `dist/cli` unless told otherwise. */
export function ingestCommand(entry = () => path.join(__dirname, '../ingest/index.js')): Command {
  return new Command('ingest')
    .description('run one ingest worker without Strapi supervising it; any number, wherever the storage is mounted')
    .addHelpText('after', SETTINGS)
    .action(() => runBundle(entry(), isIngestModule, ({ runIngest }) => runIngest()));
}
