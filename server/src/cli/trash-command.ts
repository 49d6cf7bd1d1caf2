import { Command } from 'commander';
import { formatBytes } from '../storage/byte-size';
import { withStorage } from './boot-strapi';
import { plain } from './plain-text';
import type { Terminal } from './terminal';

export function trashCommand(terminal: Terminal): Command {
  const list = new Command('list').description('print the deleted films').action(() =>
    withStorage(terminal, async (care) => {
      for (const { assetId, day, sizeBytes, reason, fileName } of await care.listTrash()) {
        terminal.out(`${plain(`${assetId}  ${day}  ${formatBytes(sizeBytes)}  ${reason ?? '-'}  ${fileName}`)}\n`);
      }
    }),
  );
  const restore = new Command('restore')
    .description('bring a deleted film back')
    .argument('<assetId>', 'as the list shows it')
    .action((assetId: string) =>
      withStorage(terminal, async (care) => {
        await care.restore(assetId);
        terminal.out(`asset ${assetId} is ready again\n`);
      }),
    );
  return new Command('trash').description('deleted films').addCommand(list).addCommand(restore);
}
