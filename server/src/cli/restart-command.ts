import { setTimeout as delay } from 'node:timers/promises';
import { Argument, Command } from 'commander';
import {
  type OperatorStatus,
  operatorDoneSchema,
  operatorStatusSchema,
  PROCESS_NAMES,
  type ProcessName,
} from '../../contracts';
import { VodError } from '../errors';
import { formatStatus } from '../supervisor/status-line';
import { CommandFailed } from './exit-code';
import { createOperatorClient, type OperatorClient } from './operator-client';
import type { Terminal } from './terminal';
import { type UrlOption, urlOption } from './url-option';

const POLL_MS = 200;
/** Draining and start together. */
const WAIT_MS = 120_000;

type Statuses = OperatorStatus['processes'];

async function managedProcesses(client: OperatorClient, wanted: ProcessName | undefined): Promise<Statuses> {
  const { processes } = await client.ask('status', operatorStatusSchema);
  const found = processes.filter(({ name }) => name === (wanted ?? name));
  if (found.length > 0) return found;
  throw new VodError('not-managed', `Strapi runs no ${wanted ?? 'streamer'}: its mode is "external".`);
}

/** Resolves when each is another process than before and RUNNING, or will not be. */
async function awaitRestart(client: OperatorClient, wanted: ProcessName | undefined, before: Statuses) {
  const deadline = performance.now() + WAIT_MS;
  const isNew = (now: Statuses[number]) => before.every(({ name, pid }) => name !== now.name || pid !== now.pid);
  for (;;) {
    const now = await managedProcesses(client, wanted);
    const isOver = (one: Statuses[number]) => (one.state === 'RUNNING' && isNew(one)) || one.state === 'FATAL';
    if (now.every(isOver) || performance.now() > deadline) {
      return now.map((one) => ({ status: one, isWell: one.state === 'RUNNING' && isNew(one) }));
    }
    await delay(POLL_MS);
  }
}

export function restartCommand(terminal: Terminal): Command {
  return new Command('restart')
    .description('end what Strapi runs in good order, start it anew, and wait until it is RUNNING')
    .addArgument(new Argument('[process]', 'which; all of them without it').choices(PROCESS_NAMES))
    .addOption(urlOption())
    .action(async (wanted: ProcessName | undefined, { url }: UrlOption) => {
      const client = createOperatorClient(terminal, url);
      const before = await managedProcesses(client, wanted);
      await client.ask('restart', operatorDoneSchema, wanted === undefined ? {} : { process: wanted });
      const outcomes = await awaitRestart(client, wanted, before);
      for (const { status } of outcomes) terminal.out(`${formatStatus(status)}\n`);
      if (!outcomes.every(({ isWell }) => isWell)) throw new CommandFailed();
    });
}
