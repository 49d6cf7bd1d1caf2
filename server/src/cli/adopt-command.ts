import { Command } from 'commander';
import type { AdoptEvent } from '../services/public-films/events';
import { withStorage } from './boot-strapi';
import { CommandFailed } from './exit-code';
import { plain } from './plain-text';
import type { Terminal } from './terminal';

const HELP = `
Rows, and the entries that show them, stay; the public bytes go. Films in storage.publicFolders stay public. It may be cut
off at any point; run it again to finish. Caches in front of the site may still hold what was public: empty them.`;

const SKIPPED = {
  'public-folder': 'storage.publicFolders says that it stays public',
  'other-provider': 'its bytes are not in the public folder: upload it again',
};

function formatAdopt(event: AdoptEvent): string {
  const name = `${event.name} (${event.documentId})`;
  if (event.kind === 'adopted') return `adopted     ${name} → ${event.key}`;
  if (event.kind === 'would-adopt') return `would adopt ${name}`;
  if (event.kind === 'leftover-removed') return `removed     ${name}: it was protected, and public bytes were left`;
  if (event.kind === 'skipped') return `skipped     ${name}: ${SKIPPED[event.reason]}`;
  return `${event.kind.toUpperCase().padEnd(11)} ${name}: ${event.code}. ${event.message}`;
}

export function adoptCommand(terminal: Terminal): Command {
  return new Command('adopt')
    .description('protect films of the Media Library that are public')
    .argument('[documentId...]', 'of Media Library files; default: all films')
    .option('--dry-run', 'say what would be done, and do nothing')
    .addHelpText('after', HELP)
    .action((documentIds: string[], { dryRun: isDryRun = false }: { dryRun?: boolean }) =>
      withStorage(terminal, async (care) => {
        const counts = { adopted: 0, 'would-adopt': 0, 'leftover-removed': 0, skipped: 0, refused: 0, failed: 0 };
        const asked = { documentIds: documentIds.length === 0 ? null : documentIds, isDryRun };
        for await (const event of care.adopt(asked)) {
          counts[event.kind] += 1;
          terminal.out(`${plain(formatAdopt(event))}\n`);
        }
        const { adopted, skipped, refused, failed } = counts;
        const done = isDryRun ? `${counts['would-adopt']} would be adopted` : `${adopted} adopted`;
        terminal.out(`${done}, ${skipped} skipped, ${refused} refused, ${failed} failed\n`);
        if (refused + failed > 0) throw new CommandFailed();
      }),
    );
}
