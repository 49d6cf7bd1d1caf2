import type { Core } from '@strapi/strapi';
import { VodError } from '../errors';
import { getService } from '../services/get-service';
import type { Keyring } from '../tokens/keyring';
import { isSameSecret } from './same-secret';

/**
 * Whether what a header carries is the credential that this site derives for one role, from the secret in use or from one
 * that is still accepted. Nobody has any role while the site's secret is not fit for use.
 */
export function bears(
  strapi: Core.Strapi,
  shown: string | string[] | undefined,
  credentialOf: (keyring: Keyring) => string,
): boolean {
  if (typeof shown !== 'string') return false;
  try {
    const keyrings = getService(strapi, 'keys').accepted();
    return keyrings.some((keyring) => isSameSecret(shown, credentialOf(keyring)));
  } catch (error) {
    if (error instanceof VodError && error.code === 'secret-refused') return false;
    throw error;
  }
}
