import { Command, CommanderError } from 'commander';
import { version } from '../../../package.json';
import { doctorCommand } from './doctor-command';
import { CommandFailed, EXIT_FAILED, EXIT_OK, EXIT_USAGE } from './exit-code';
import { importCommand } from './import-command';
import { ingestCommand } from './ingest-command';
import { restartCommand } from './restart-command';
import { secretCommand } from './secret-command';
import { sessionsCommand } from './sessions-command';
import { statusCommand } from './status-command';
import { storageCommand } from './storage-command';
import { streamerCommand } from './streamer-command';
import { tailCommand } from './tail-command';
import type { Terminal } from './terminal';

function createProgram(terminal: Terminal): Command {
  const program = new Command('protected-vod')
    .description('Protected video-on-demand for Strapi 5')
    .version(version)
    .addCommand(statusCommand(terminal))
    .addCommand(tailCommand(terminal))
    .addCommand(restartCommand(terminal))
    .addCommand(sessionsCommand(terminal))
    .addCommand(streamerCommand())
    .addCommand(ingestCommand(terminal))
    .addCommand(secretCommand(terminal))
    .addCommand(storageCommand(terminal))
    .addCommand(importCommand(terminal))
    .addCommand(doctorCommand(terminal))
    .addHelpText('after', '\nExit codes: 0 done and well, 1 failed or not RUNNING, 2 wrong usage.');
  const settle = (command: Command): void => {
    // Commander would end the process itself, with 1 for wrong usage.
    command.exitOverride().configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
    command.commands.forEach(settle);
  };
  settle(program);
  return program;
}

/** Runs one command; resolves to its exit code and never rejects. `args` are those after the script's name. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await createProgram(terminal).parseAsync(args, { from: 'user' });
    return EXIT_OK;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
    if (error instanceof CommandFailed) return EXIT_FAILED;
    terminal.err(`protected-vod: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT_FAILED;
  }
}
