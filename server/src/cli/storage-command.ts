import { Command, InvalidArgumentError, Option } from 'commander';
import type { MoveEvent } from '../services/storage-care/migrate';
import type { StorageStats } from '../services/storage-care/stats';
import { STRATEGY_NAMES, type StrategyName } from '../storage/strategies';
import { withStorage } from './boot-strapi';
import { CommandFailed } from './exit-code';
import { formatBytes, plain } from './plain-text';
import type { Terminal } from './terminal';

const HELP = `
Loads the app's Strapi without listening, so run it in the app's directory, as the user that Strapi runs as. Strapi may
run meanwhile, and films go on playing.`;

export interface AgeOption {
  minAge: number;
}

function parseSeconds(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number of seconds.');
}

export function ageOption(): Option {
  const meaning = 'leave alone what came less long ago: its row may be still to come';
  return new Option('--min-age <seconds>', meaning).default(600).argParser(parseSeconds);
}

function formatStats({ ready, trashed, areas, freeBytes }: StorageStats): string {
  const average = ready.films === 0 ? 0 : Math.round(ready.bytes / ready.films);
  const sizes = [ready.smallestBytes, average, ready.largestBytes].map(formatBytes).join(', ');
  const areaLines = Object.entries(areas).map(
    ([name, { files, bytes }]) => `${name.padEnd(10)} ${files} files, ${formatBytes(bytes)}`,
  );
  return [
    `films      ${ready.films}, ${formatBytes(ready.bytes)} (smallest, average, largest: ${sizes})`,
    `in trash   ${trashed.films}, ${formatBytes(trashed.bytes)}`,
    ...areaLines,
    `free       ${formatBytes(freeBytes)}`,
  ].join('\n');
}

function formatMove(event: MoveEvent): string | null {
  if (event.kind === 'waiting') {
    return `waiting    ${event.seconds} s until no streamer holds the old names of ${event.films} films`;
  }
  if (event.kind === 'moved') return `moved      ${event.from} → ${event.to}`;
  if (event.kind === 'changed') return `left alone ${event.key}: it was deleted meanwhile`;
  if (event.kind === 'failed') return `FAILED     ${event.key} (${event.assetId}): ${event.code}. ${event.message}`;
  return null;
}

function statsCommand(terminal: Terminal): Command {
  return new Command('stats')
    .description('print how many films there are, how large, and what room is left')
    .action(() => withStorage(terminal, async (care) => terminal.out(`${formatStats(await care.stats())}\n`)));
}

function whereCommand(terminal: Terminal): Command {
  return new Command('where')
    .description('print where the film of a video lies')
    .argument('<documentId>', 'of a video, a Media Library file or an asset')
    .action((documentId: string) =>
      withStorage(terminal, async (care) => {
        const places = await care.where(documentId);
        for (const { assetId, state, path, sizeBytes, isThere } of places) {
          const note = isThere ? '' : '  MISSING';
          terminal.out(`${assetId}  ${state}  ${formatBytes(sizeBytes)}  ${plain(path)}${note}\n`);
        }
        if (places.length === 0) terminal.err('protected-vod: no film is known by this id.\n');
        if (places.length === 0 || places.some(({ isThere }) => !isThere)) throw new CommandFailed();
      }),
    );
}

function verifyCommand(terminal: Terminal): Command {
  return new Command('verify')
    .description('compare every row with its file and every file with the rows')
    .option('--quick', 'compare sizes only, not SHA-256')
    .addOption(ageOption())
    .action(({ quick = false, minAge }: AgeOption & { quick?: boolean }) =>
      withStorage(terminal, async (care) => {
        let findings = 0;
        for await (const { code, key, assetId } of care.verify({ isQuick: quick, minAgeSeconds: minAge })) {
          findings += 1;
          terminal.out(`${code.padEnd(17)} ${plain(key)}${assetId === null ? '' : ` (${assetId})`}\n`);
        }
        terminal.out(findings === 0 ? 'clean\n' : `${findings} findings\n`);
        if (findings > 0) throw new CommandFailed();
      }),
    );
}

function migrateCommand(terminal: Terminal): Command {
  return new Command('migrate')
    .description('move every film to where a strategy wants it, while playback goes on')
    .addOption(new Option('--to <strategy>', 'where to').choices(STRATEGY_NAMES).makeOptionMandatory())
    .addHelpText('after', '\nIt may be cut off at any point; run it again to finish. Set storage.strategy first.')
    .action(({ to }: { to: StrategyName }) =>
      withStorage(terminal, async (care) => {
        const counts = { moved: 0, failed: 0, 'in-place': 0, changed: 0, waiting: 0 };
        for await (const event of care.migrate(to)) {
          counts[event.kind] += 1;
          const line = formatMove(event);
          if (line !== null) terminal.out(`${plain(line)}\n`);
        }
        terminal.out(`${counts.moved} moved, ${counts['in-place']} in place, ${counts.failed} failed\n`);
        if (counts.failed > 0) throw new CommandFailed();
      }),
    );
}

export function storageCommand(terminal: Terminal): Command {
  return new Command('storage')
    .description('look after the stored films')
    .addHelpText('after', HELP)
    .addCommand(statsCommand(terminal))
    .addCommand(whereCommand(terminal))
    .addCommand(verifyCommand(terminal))
    .addCommand(migrateCommand(terminal));
}
