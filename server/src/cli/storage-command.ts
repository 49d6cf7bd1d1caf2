import { Command } from 'commander';
import type { StorageStats } from '../services/storage-care/stats';
import { formatBytes } from '../storage/byte-size';
import { adoptCommand } from './adopt-command';
import { withStorage } from './boot-strapi';
import { CommandFailed } from './exit-code';
import { migrateCommand } from './migrate-command';
import { plain } from './plain-text';
import { releaseCommand } from './release-command';
import { rebuildCommand, repairCommand, verifyCommand } from './storage-check-commands';
import type { Terminal } from './terminal';
import { trashCommand } from './trash-command';

const HELP = `
Loads the app's Strapi without listening, so run it in the app's directory, as the user that Strapi runs as. Strapi may
run meanwhile, and films go on playing.`;

function formatStats({ ready, replaced, trashed, areas, freeBytes }: StorageStats): string {
  const average = ready.films === 0 ? 0 : Math.round(ready.bytes / ready.films);
  const sizes = [ready.smallestBytes, average, ready.largestBytes].map(formatBytes).join(', ');
  const areaLines = Object.entries(areas).map(
    ([name, { files, bytes }]) => `${name.padEnd(10)} ${files} files, ${formatBytes(bytes)}`,
  );
  return [
    `films      ${ready.films}, ${formatBytes(ready.bytes)} (smallest, average, largest: ${sizes})`,
    `replaced   ${replaced.films}, ${formatBytes(replaced.bytes)}`,
    `in trash   ${trashed.films}, ${formatBytes(trashed.bytes)}`,
    ...areaLines,
    `free       ${formatBytes(freeBytes)}`,
  ].join('\n');
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

export function storageCommand(terminal: Terminal): Command {
  return new Command('storage')
    .description('look after the stored films')
    .addHelpText('after', HELP)
    .addCommand(statsCommand(terminal))
    .addCommand(whereCommand(terminal))
    .addCommand(verifyCommand(terminal))
    .addCommand(repairCommand(terminal))
    .addCommand(migrateCommand(terminal))
    .addCommand(rebuildCommand(terminal))
    .addCommand(adoptCommand(terminal))
    .addCommand(releaseCommand(terminal))
    .addCommand(trashCommand(terminal));
}
