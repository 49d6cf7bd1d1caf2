import type { Core } from '@strapi/strapi';
import type { StreamerKeys } from '../../contracts';
import { deriveKeyring, type Keyring } from '../tokens/keyring';
import { keyMaterial } from '../tokens/secret';

function configuredMaterial(strapi: Core.Strapi): string {
  const own = process.env.PROTECTED_VOD_SECRET;
  if (own !== undefined) return keyMaterial('PROTECTED_VOD_SECRET', [own]);
  const keys: unknown = strapi.config.get('server.app.keys');
  return keyMaterial('app.keys', Array.isArray(keys) ? keys.map(String) : []);
}

/** Derived once per Strapi. Every method throws `VodError` `secret-refused` while the secret is not fit for use. */
export function createKeysService({ strapi }: { strapi: Core.Strapi }) {
  let derived: Keyring | undefined;
  const keyring = (): Keyring => {
    derived ??= deriveKeyring(configuredMaterial(strapi));
    return derived;
  };
  return {
    keyring,
    streamerKeys: (): StreamerKeys => keyring().streamerKeys(),
    uploadTokenKey: (): Uint8Array => keyring().uploadTokenKey,
  };
}
