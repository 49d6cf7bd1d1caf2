import { setTimeout as delay } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { operatorLogSchema } from '../../contracts';
import { createOperatorClient } from './operator-client';
import type { Terminal } from './terminal';
import { type UrlOption, urlOption } from './url-option';

const POLL_MS = 500;

function parseCount(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number.');
}

interface TailOptions extends UrlOption {
  lines: number;
  follow?: true;
}

export function tailCommand(terminal: Terminal): Command {
  return new Command('tail')
    .description('print the last lines that the managed streamer and ingest worker logged')
    .option('-n, --lines <count>', 'how many; Strapi keeps 1000', parseCount, 50)
    .option('-f, --follow', 'go on printing until interrupted')
    .addOption(urlOption())
    .action(async ({ url, lines, follow }: TailOptions) => {
      const client = createOperatorClient(terminal, url);
      let request: unknown = { last: lines };
      let newest = 0;
      for (;;) {
        const answer = await client.ask('log', operatorLogSchema, request);
        for (const { number, line } of answer.lines) {
          terminal.out(`${line}\n`);
          newest = number;
        }
        if (follow !== true) return;
        request = { after: newest };
        await delay(POLL_MS);
      }
    });
}
