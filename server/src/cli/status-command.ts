import { Command } from 'commander';
import { ALIVE_WITHIN_SECONDS, type ExternalWorker, operatorStatusSchema, type SyncedStreamer } from '../../contracts';
import { formatStatus } from '../supervisor/status-line';
import { CommandFailed } from './exit-code';
import { createOperatorClient } from './operator-client';
import type { Terminal } from './terminal';
import { type UrlOption, urlOption } from './url-option';

/** A streamer without viewers syncs every ten seconds. */

const HELP = `
One line a process. Exits with 1 if one is not RUNNING, or Strapi does not answer. With streamer.mode "external" it can
only tell which streamers have synced with this Strapi lately; it exits with 1 if none has within 15 seconds. Of ingest
workers that Strapi does not run it tells which have asked for work lately.`;

const formatExternal = ({ boot, lastSyncSeconds }: SyncedStreamer): string =>
  `streamer  EXTERNAL  ${boot}, last sync ${Math.round(lastSyncSeconds)} s ago`;

const formatWorker = ({ boot, lastClaimSeconds }: ExternalWorker): string =>
  `ingest  EXTERNAL  ${boot}, asked for work ${Math.round(lastClaimSeconds)} s ago`;

export function statusCommand(terminal: Terminal): Command {
  return new Command('status')
    .description('print how the processes fare')
    .addOption(urlOption())
    .addHelpText('after', HELP)
    .action(async ({ url }: UrlOption) => {
      const status = await createOperatorClient(terminal, url).ask('status', operatorStatusSchema);
      const lines = [
        ...status.processes.map(formatStatus),
        // The managed one has a line already.
        ...(status.mode === 'external' ? status.streamers.map(formatExternal) : []),
        ...status.workers.map(formatWorker),
      ];
      for (const line of lines) terminal.out(`${line}\n`);
      const hasStreamer =
        status.mode === 'managed' ||
        status.streamers.some(({ lastSyncSeconds }) => lastSyncSeconds < ALIVE_WITHIN_SECONDS);
      if (!hasStreamer) terminal.err('protected-vod: no external streamer has synced with this Strapi lately.\n');
      if (hasStreamer && status.processes.every(({ state }) => state === 'RUNNING')) return;
      throw new CommandFailed();
    });
}
