import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { operatorDoneSchema, operatorStatusSchema } from '../../contracts';
import { VodError } from '../errors';
import { formatStatus } from '../supervisor/status-line';
import { CommandFailed } from './exit-code';
import { createOperatorClient, type OperatorClient } from './operator-client';
import type { Terminal } from './terminal';
import { type UrlOption, urlOption } from './url-option';

const POLL_MS = 200;
/** Draining and start together. */
const WAIT_MS = 120_000;

async function streamerStatus(client: OperatorClient) {
  const status = await client.ask('status', operatorStatusSchema);
  const streamer = status.mode === 'managed' ? status.processes[0] : undefined;
  if (streamer === undefined)
    throw new VodError('not-managed', 'Strapi runs no streamer: streamer.mode is "external".');
  return streamer;
}

export function restartCommand(terminal: Terminal): Command {
  return new Command('restart')
    .description('end the streamer in good order, start it anew, and wait until it is RUNNING')
    .addOption(urlOption())
    .action(async ({ url }: UrlOption) => {
      const client = createOperatorClient(terminal, url);
      const before = await streamerStatus(client);
      await client.ask('restart', operatorDoneSchema);
      const deadline = performance.now() + WAIT_MS;
      for (;;) {
        const now = await streamerStatus(client);
        const isNew = now.pid !== before.pid;
        const isOver = (now.state === 'RUNNING' && isNew) || now.state === 'FATAL' || performance.now() > deadline;
        if (isOver) {
          terminal.out(`${formatStatus(now)}\n`);
          if (now.state !== 'RUNNING' || !isNew) throw new CommandFailed();
          return;
        }
        await delay(POLL_MS);
      }
    });
}
