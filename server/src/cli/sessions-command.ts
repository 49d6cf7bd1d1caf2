import { Command } from 'commander';
import { type OperatorSession, operatorDoneSchema, operatorSessionsSchema } from '../../contracts';
import { formatUptime } from '../supervisor/status-line';
import { createOperatorClient } from './operator-client';
import { plain } from './plain-text';
import type { Terminal } from './terminal';
import { type UrlOption, urlOption } from './url-option';

const HEADINGS = ['ID', 'VIEWER', 'ROLE', 'VIDEO', 'STARTED', 'IDLE', 'CLIENT', 'MIB'];
const MIB = 1024 ** 2;

function cellsOf(session: OperatorSession): string[] {
  const { id, viewer, role, video, startedAt, idleSeconds, clientPrefix, bytes } = session;
  const started = startedAt.replace(/\.\d+Z$/, 'Z');
  return [id, viewer, role ?? '-', video, started, formatUptime(idleSeconds), clientPrefix, (bytes / MIB).toFixed(1)];
}

function table(sessions: OperatorSession[]): string {
  const rows = [HEADINGS, ...sessions.map(cellsOf)].map((row) => row.map(plain));
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

export function sessionsCommand(terminal: Terminal): Command {
  const end = new Command('end')
    .description('end one session at once')
    .argument('<id>', 'as the list shows it, or more digits of the hash')
    .addOption(urlOption())
    .action(async (id: string, _options: unknown, command: Command) => {
      const { url } = command.optsWithGlobals<UrlOption>();
      await createOperatorClient(terminal, url).ask('end', operatorDoneSchema, { id });
      terminal.out(`session ${id} ended\n`);
    });
  return new Command('sessions')
    .description('list who has watched within the last ten minutes')
    .option('--json', 'print JSON')
    .addOption(urlOption())
    .addCommand(end)
    .action(async ({ url, json }: UrlOption & { json?: true }) => {
      const { sessions } = await createOperatorClient(terminal, url).ask('sessions', operatorSessionsSchema);
      terminal.out(json === true ? `${JSON.stringify(sessions, null, 2)}\n` : table(sessions));
    });
}
