import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { assetIdSchema, operatorRetriedSchema } from '../../contracts';
import { createOperatorClient } from './operator-client';
import { runBundle } from './run-bundle';
import type { Terminal } from './terminal';
import { type UrlOption, urlOption } from './url-option';

const SETTINGS = `
Settings come from the environment: PROTECTED_VOD_INGEST_KEYS_FILE (made by \`protected-vod secret print --role ingest\`, mode
0600), PROTECTED_VOD_INTERNAL_URL, PROTECTED_VOD_STORAGE_ROOT and more; the README lists all. It needs ffmpeg.`;

function isIngestModule(loaded: unknown): loaded is { runIngest: () => Promise<void> } {
  return typeof loaded === 'object' && loaded !== null && 'runIngest' in loaded;
}

function assetIdFrom(text: string): string {
  if (assetIdSchema.safeParse(text).success) return text;
  throw new InvalidArgumentError('That is no id of an asset.');
}

function retryCommand(terminal: Terminal): Command {
  return new Command('retry')
    .description('try again what workers have given up, of one film or of all')
    .argument('[asset]', 'id of an asset, as `storage where` prints it', assetIdFrom)
    .addOption(urlOption())
    .action(async (asset: string | undefined, { url }: UrlOption) => {
      const request = asset === undefined ? {} : { asset };
      const { jobs } = await createOperatorClient(terminal, url).ask('retry-jobs', operatorRetriedSchema, request);
      terminal.out(`${jobs} ${jobs === 1 ? 'job is' : 'jobs are'} tried again\n`);
    });
}

/** `entry`: the worker's bundle, `dist/ingest` beside `dist/cli` unless told otherwise. */
export function ingestCommand(terminal: Terminal, entry = () => path.join(__dirname, '../ingest/index.js')): Command {
  return new Command('ingest')
    .description('run one ingest worker without Strapi supervising it; any number, wherever the storage is mounted')
    .addHelpText('after', SETTINGS)
    .addCommand(retryCommand(terminal))
    .action(() => runBundle(entry(), isIngestModule, ({ runIngest }) => runIngest()));
}
