import { Command, InvalidArgumentError, Option } from 'commander';
import type { RebuildEvent } from '../services/storage-care/rebuild';
import type { RepairEvent } from '../services/storage-care/repair';
import type { Finding } from '../services/storage-care/verify';
import { withStorage } from './boot-strapi';
import { CommandFailed } from './exit-code';
import { formatMove } from './migrate-command';
import { plain } from './plain-text';
import type { Terminal } from './terminal';

interface CheckOptions {
  quick?: boolean;
  minAge: number;
}

function parseSeconds(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number of seconds.');
}

function checkingCommand(name: string, description: string): Command {
  const age = 'pass by files without a row that came less long ago: it may be still to come';
  return new Command(name)
    .description(description)
    .option('--quick', 'compare sizes only, not SHA-256')
    .addOption(new Option('--min-age <seconds>', age).default(600).argParser(parseSeconds));
}

const asked = ({ quick = false, minAge }: CheckOptions) => ({ isQuick: quick, minAgeSeconds: minAge });

function formatFinding({ code, key, assetId }: Finding): string {
  return `${code.padEnd(17)} ${key}${assetId === null ? '' : ` (${assetId})`}`;
}

function formatRepair(event: RepairEvent): string | null {
  if (event.kind === 'move') return formatMove(event.event);
  if (event.kind === 'left') return `LEFT    ${formatFinding(event.finding)}`;
  const { finding, how, to } = event;
  const words = {
    found: `found at ${to}`,
    'metadata-written': 'metadata written',
    'to-trash': `its row is back, in the trash: ${to}`,
    'put-aside': `put aside: ${to}`,
    'to-be-made': 'a worker makes it once more',
    'file-added': 'the Media Library has a file for it again',
  };
  return `mended  ${formatFinding(finding)}: ${words[how]}`;
}

function formatRebuild(event: RebuildEvent): string | null {
  if (event.kind === 'known') return null;
  if (event.kind === 'added') return `added    ${event.assetId}  ${event.state}  ${event.key}`;
  const why = event.reason === 'untrue' ? 'its metadata are not those of the film' : 'another film has its name';
  return `REFUSED  ${event.key}: ${why}`;
}

export function verifyCommand(terminal: Terminal): Command {
  return checkingCommand('verify', 'compare every row with its file and every file with the rows').action(
    (options: CheckOptions) =>
      withStorage(terminal, async (care) => {
        let findings = 0;
        for await (const finding of care.verify(asked(options))) {
          findings += 1;
          terminal.out(`${plain(formatFinding(finding))}\n`);
        }
        terminal.out(findings === 0 ? 'clean\n' : `${findings} findings\n`);
        if (findings > 0) throw new CommandFailed();
      }),
  );
}

export function repairCommand(terminal: Terminal): Command {
  return checkingCommand('repair', 'mend what verify finds; nothing is deleted')
    .addHelpText('after', '\nWhat no row claims goes to the trash. A damaged film can only come from your backup.')
    .action((options: CheckOptions) =>
      withStorage(terminal, async (care) => {
        const counts = { mended: 0, left: 0, move: 0 };
        for await (const event of care.repair(asked(options))) {
          counts[event.kind] += 1;
          const line = formatRepair(event);
          if (line !== null) terminal.out(`${plain(line)}\n`);
        }
        terminal.out(`${counts.mended} mended, ${counts.left} left\n`);
        if (counts.left > 0) throw new CommandFailed();
      }),
    );
}

export function rebuildCommand(terminal: Terminal): Command {
  return new Command('rebuild')
    .description('bring back rows that the database has lost, from the metadata files')
    .action(() =>
      withStorage(terminal, async (care) => {
        const counts = { added: 0, known: 0, refused: 0 };
        for await (const event of care.rebuild()) {
          counts[event.kind] += 1;
          const line = formatRebuild(event);
          if (line !== null) terminal.out(`${plain(line)}\n`);
        }
        terminal.out(`${counts.added} added, ${counts.known} known, ${counts.refused} refused\n`);
        if (counts.refused > 0) throw new CommandFailed();
      }),
    );
}
