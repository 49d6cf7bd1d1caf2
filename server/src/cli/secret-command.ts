import { Command, InvalidArgumentError, Option } from 'commander';
import { operatorRotationSchema } from '../../contracts';
import { deriveKeyring } from '../tokens/keyring';
import { readAppSecret } from './app-secret';
import { createOperatorClient } from './operator-client';
import type { Terminal } from './terminal';
import { type UrlOption, urlOption } from './url-option';

const STORE_IT = `
Prints JSON that lets a streamer elsewhere prove itself and check tokens; it can mint none. Store it readable by the
streamer's user alone and name it to the streamer:

  (umask 077; protected-vod secret print --role streamer > streamer-keys.json)   # mode 0600
  PROTECTED_VOD_STREAMER_KEYS_FILE=streamer-keys.json protected-vod streamer

For an ingest worker: --role ingest, PROTECTED_VOD_INGEST_KEYS_FILE and protected-vod ingest.

The secret is PROTECTED_VOD_SECRET, else APP_KEYS, from the environment or the .env file of the current directory.`;

const WHAT_ROTATES = `
Asks the running Strapi for a new key that playback tokens are signed with. All nodes and streamers learn it before it
signs; running sessions go on, and so do streamers with their keys files. Tokens that were minted before open no session
after the overlap. The site's secret stays: to replace that one, see PROTECTED_VOD_PREVIOUS_SECRET in the README.`;

function parseSeconds(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number of seconds.');
}

function rotateCommand(terminal: Terminal): Command {
  return new Command('rotate')
    .description('sign playback tokens with a new key from now on')
    .option(
      '--overlap <seconds>',
      'how long older tokens stay good once the new key signs (default: 600)',
      parseSeconds,
    )
    .addOption(urlOption())
    .addHelpText('after', WHAT_ROTATES)
    .action(async ({ url, overlap }: UrlOption & { overlap?: number }) => {
      const client = createOperatorClient(terminal, url);
      const body = overlap === undefined ? {} : { overlapSeconds: overlap };
      const { kid, signsInSeconds, overlapSeconds } = await client.ask('rotate-keys', operatorRotationSchema, body);
      terminal.out(`key ${kid} signs in ${signsInSeconds} s; older tokens are good for ${overlapSeconds} s more\n`);
    });
}

export function secretCommand(terminal: Terminal): Command {
  const print = new Command('print')
    .description("print what one role derives from the site's secret")
    .addOption(new Option('--role <role>', 'who it is for').choices(['streamer', 'ingest']).makeOptionMandatory())
    .addHelpText('after', STORE_IT)
    .action(({ role }: { role: 'streamer' | 'ingest' }) => {
      const keyring = deriveKeyring(readAppSecret(terminal));
      const keys = role === 'ingest' ? { credential: keyring.ingestCredential } : keyring.streamerKeys();
      terminal.out(`${JSON.stringify(keys, null, 2)}\n`);
    });
  return new Command('secret')
    .description("keys and credentials derived from the site's secret")
    .addCommand(print)
    .addCommand(rotateCommand(terminal));
}
