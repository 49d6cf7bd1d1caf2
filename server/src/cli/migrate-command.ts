import { Command, Option } from 'commander';
import type { MoveEvent } from '../services/storage-care/migrate';
import { STRATEGY_NAMES, type StrategyName } from '../storage/strategies';
import { withStorage } from './boot-strapi';
import { CommandFailed } from './exit-code';
import { plain } from './plain-text';
import type { Terminal } from './terminal';

/** Null: not worth a line. */
export function formatMove(event: MoveEvent): string | null {
  if (event.kind === 'waiting') {
    return `waiting    ${event.seconds} s until no streamer holds the old names of ${event.films} films`;
  }
  if (event.kind === 'moved') return `moved      ${event.from} → ${event.to}`;
  if (event.kind === 'changed') return `left alone ${event.key}: it was deleted meanwhile`;
  if (event.kind === 'failed') return `FAILED     ${event.key} (${event.assetId}): ${event.code}. ${event.message}`;
  return null;
}

export function migrateCommand(terminal: Terminal): Command {
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
