import { Command, Option } from 'commander';
import { deriveKeyring } from '../tokens/keyring';
import { readAppSecret } from './app-secret';
import type { Terminal } from './terminal';

const STORE_IT = `
Prints JSON that lets a streamer elsewhere prove itself and check tokens; it can mint none. Store it readable by the
streamer's user alone and name it to the streamer:

  (umask 077; protected-vod secret print --role streamer > streamer-keys.json)   # mode 0600
  PROTECTED_VOD_STREAMER_KEYS_FILE=streamer-keys.json protected-vod streamer

The secret is PROTECTED_VOD_SECRET, else APP_KEYS, from the environment or the .env file of the current directory.`;

export function secretCommand(terminal: Terminal): Command {
  const print = new Command('print')
    .description("print what one role derives from the site's secret")
    .addOption(new Option('--role <role>', 'who it is for').choices(['streamer']).makeOptionMandatory())
    .addHelpText('after', STORE_IT)
    .action(() => {
      const keyring = deriveKeyring(readAppSecret(terminal));
      terminal.out(`${JSON.stringify(keyring.streamerKeys(), null, 2)}\n`);
    });
  return new Command('secret').description("credentials derived from the site's secret").addCommand(print);
}
