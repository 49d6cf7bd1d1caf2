import { VodError } from '../errors';
import { keyMaterial, parseAppKeys } from '../tokens/secret';
import { readStrapiEnvironment } from './dot-env';
import type { Terminal } from './terminal';

/**
 * The key material that the plugin would derive from, found without booting Strapi. A site that does not take its
 * `app.keys` from `APP_KEYS` must set `PROTECTED_VOD_SECRET`. Throws `VodError` `secret-refused` and `env-file-unreadable`.
 */
export function readAppSecret(terminal: Terminal): string {
  const { PROTECTED_VOD_SECRET: own, APP_KEYS: appKeys } = readStrapiEnvironment(terminal);
  if (own !== undefined) return keyMaterial('PROTECTED_VOD_SECRET', [own]);
  if (appKeys !== undefined) return keyMaterial('app.keys', parseAppKeys(appKeys));
  throw new VodError(
    'secret-refused',
    'Neither PROTECTED_VOD_SECRET nor APP_KEYS is set, here or in .env. Run this in the directory of the Strapi app.',
  );
}
