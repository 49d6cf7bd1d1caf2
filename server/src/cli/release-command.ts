import { Command, Option } from 'commander';
import type { ReleaseEvent } from '../services/public-films/events';
import { withStorage } from './boot-strapi';
import { CommandFailed } from './exit-code';
import { plain } from './plain-text';
import type { Terminal } from './terminal';

const HELP = `
The way out of protected storage: the site's own upload provider gets the films, and anybody who has an address can play
them. Rows, and the entries that show them, stay; the protected bytes go to the trash. It may be cut off at any point; run
it again to finish.`;

interface CommandOptions {
  all?: true;
  force?: true;
  dryRun?: true;
}

function formatRelease(event: ReleaseEvent): string {
  const name = `${event.name} (${event.documentId})`;
  if (event.kind === 'released') return `released      ${name} → ${event.url}`;
  if (event.kind === 'would-release') return `would release ${name}`;
  return `FAILED        ${name}: ${event.code}. ${event.message}`;
}

export function releaseCommand(terminal: Terminal): Command {
  const command = new Command('release')
    .description('make films public again: the site’s own upload provider gets them')
    .argument('[documentId...]', 'of Media Library files')
    .addOption(new Option('--make-public', 'that this is what you want').makeOptionMandatory())
    .option('--all', 'all films')
    .option('--force', 'also those that published videos play; they cannot be played then')
    .option('--dry-run', 'say what would be done, and do nothing')
    .addHelpText('after', HELP);
  return command.action((documentIds: string[], options: CommandOptions) => {
    const { all = false, force: isForced = false, dryRun: isDryRun = false } = options;
    if (all === documentIds.length > 0) command.error('error: name films, or --all, not both');
    return withStorage(terminal, async (care) => {
      const counts = { released: 0, 'would-release': 0, failed: 0 };
      for await (const event of care.release({ documentIds: all ? null : documentIds, isForced, isDryRun })) {
        counts[event.kind] += 1;
        terminal.out(`${plain(formatRelease(event))}\n`);
      }
      const { released, 'would-release': would, failed } = counts;
      terminal.out(`${isDryRun ? `${would} would be released` : `${released} released`}, ${failed} failed\n`);
      if (failed > 0) throw new CommandFailed();
    });
  });
}
