import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { ImportEvent, ImportOptions } from '../services/film-import/events';
import { formatBytes } from '../storage/byte-size';
import { withStorage } from './boot-strapi';
import { CommandFailed } from './exit-code';
import { plain } from './plain-text';
import type { Terminal } from './terminal';

const HELP = `
One line a file. What is there already, by SHA-256, is passed by: run it again to go on with an import that was cut off.
Loads the app's Strapi without listening, so run it in the app's directory, as the user that Strapi runs as.

With --link nothing is copied: the file in the storage and yours are one, so whoever writes to yours changes the film.
Remove yours when you have looked at the result. It needs the volume that the storage is on.`;

interface CommandOptions {
  link?: true;
  dryRun?: true;
  folder: string[];
  entries: ImportOptions['entries'];
}

function parseFolder(text: string): string[] {
  const names = text.split('/').filter((name) => name !== '');
  if (names.every((name) => name === name.trim() && !/\p{Cc}/u.test(name))) return names;
  throw new InvalidArgumentError('It must be names of Media Library folders with a slash between them.');
}

const SKIPPED = {
  hidden: 'it is hidden',
  'symbolic-link': 'it is a symbolic link',
  'not-a-file': 'it is no plain file',
  'not-a-film': 'it is no audio or video',
};

function formatImport(event: ImportEvent): string {
  switch (event.kind) {
    case 'imported':
      return `imported     ${event.name} → ${event.key} (${event.assetId})`;
    case 'would-import':
      return `would import ${event.name} (${formatBytes(event.sizeBytes)})`;
    case 'known':
      return `known        ${event.name} (${event.assetId})`;
    case 'entry-added':
      return `entry added  ${event.name} (${event.assetId})`;
    case 'skipped':
      return `skipped      ${event.name}: ${SKIPPED[event.reason]}`;
    case 'refused':
      return `REFUSED      ${event.name}: ${event.code}. ${event.message}`;
    case 'failed':
      return `FAILED       ${event.name}: ${event.code}. ${event.message}`;
  }
}

function formatCounts(counts: Record<ImportEvent['kind'], number>): string {
  const { 'would-import': wouldImport, imported, known, 'entry-added': entries, skipped, refused, failed } = counts;
  const first = wouldImport > 0 ? `${wouldImport} would be imported` : `${imported} imported`;
  return `${first}, ${known + entries} known, ${skipped} skipped, ${refused} refused, ${failed} failed`;
}

async function run(terminal: Terminal, directory: string, options: CommandOptions): Promise<void> {
  const { link: isByLink = false, dryRun: isDryRun = false, folder: folders, entries } = options;
  const asked = { directory: path.resolve(terminal.cwd, directory), folders, isByLink, isDryRun, entries };
  const counts = { imported: 0, 'would-import': 0, known: 0, 'entry-added': 0, skipped: 0, refused: 0, failed: 0 };
  await withStorage(terminal, async (care) => {
    for await (const event of care.importFilms(asked)) {
      counts[event.kind] += 1;
      terminal.out(`${plain(formatImport(event))}\n`);
    }
  });
  terminal.out(`${formatCounts(counts)}\n`);
  if (counts.refused + counts.failed > 0) throw new CommandFailed();
}

export function importCommand(terminal: Terminal): Command {
  const folder = new Option('--folder <path>', 'Media Library folder below which the tree of the directory is made');
  const entries = new Option('--entries <kind>', 'what becomes of the entry that each film gets');
  return new Command('import')
    .description('bring the films of a directory into protected storage')
    .argument('<directory>', 'looked through with all below it')
    .option('--link', 'give each file a second name instead of copying it')
    .option('--dry-run', 'say what would be done, and do nothing')
    .addOption(folder.argParser(parseFolder).default([], 'the top'))
    .addOption(entries.choices(['draft', 'published', 'none']).default('draft'))
    .addHelpText('after', HELP)
    .action((directory: string, options: CommandOptions) => run(terminal, directory, options));
}
