import type { Core } from '@strapi/strapi';
import type { StreamerKeyList, StreamerKeys } from '../../../contracts';
import { configOf } from '../../config';
import { VodError } from '../../errors';
import { deriveKeyring, type Keyring } from '../../tokens/keyring';
import { ANNOUNCE_MS } from '../../tokens/rotation';
import { keyMaterial, previousMaterials } from '../../tokens/secret';
import { createKeyRotations } from './rotations';
import { createTokenKeySource, type TokenKeys } from './token-keys';

/** As long as any token may wait for its use. */
export const DEFAULT_OVERLAP_SECONDS = 600;
const MAX_OVERLAP_SECONDS = 7 * 24 * 3600;

export interface KeyRotationResult {
  /** Of the key that will sign. */
  kid: string;
  signsInSeconds: number;
  /** How long tokens of the keys before are good after that. */
  overlapSeconds: number;
}

/** Every method throws or rejects with `VodError` `secret-refused` while a secret of the site is not fit for use. */
export interface KeysService {
  /** What is derived from the secret in use. */
  keyring(): Keyring;
  /** That one first, then those of secrets that are still accepted. */
  accepted(): readonly [Keyring, ...Keyring[]];
  /** The keys of playback tokens as they are now, on all nodes. */
  tokenKeys(): Promise<TokenKeys>;
  /** What a streamer is started with. */
  streamerKeys(): StreamerKeys;
  /** What streamers learn with each sync. */
  streamerKeyList(): Promise<StreamerKeyList>;
  uploadTokenKeys(): readonly [Uint8Array, ...Uint8Array[]];
  /** A new key for playback tokens. Throws `VodError` `overlap-refused`. */
  rotate(overlapSeconds?: number): Promise<KeyRotationResult>;
}

function configuredMaterials(strapi: Core.Strapi): [string, ...string[]] {
  const { PROTECTED_VOD_SECRET: own, PROTECTED_VOD_PREVIOUS_SECRET: previous } = process.env;
  const keys: unknown = strapi.config.get('server.app.keys');
  const current =
    own === undefined
      ? keyMaterial('app.keys', Array.isArray(keys) ? keys.map(String) : [])
      : keyMaterial('PROTECTED_VOD_SECRET', [own]);
  return previous === undefined ? [current] : [current, ...previousMaterials(previous)];
}

/** Derived once per Strapi. Secrets are read when a key is first needed, so that a site with a bad one boots. */
export function createKeysService({ strapi }: { strapi: Core.Strapi }): KeysService {
  const rotations = createKeyRotations(strapi);
  const tokenKeysOf = createTokenKeySource();
  let derived: [Keyring, ...Keyring[]] | undefined;

  function accepted(): [Keyring, ...Keyring[]] {
    if (derived === undefined) {
      const [current, ...previous] = configuredMaterials(strapi);
      derived = [deriveKeyring(current), ...previous.map(deriveKeyring)];
    }
    return derived;
  }

  function checkOverlap(seconds: number): void {
    const least = configOf(strapi).token.lifetimeSeconds;
    if (seconds >= least && seconds <= MAX_OVERLAP_SECONDS) return;
    throw new VodError(
      'overlap-refused',
      `The overlap must be ${least} (token.lifetimeSeconds) to ${MAX_OVERLAP_SECONDS} seconds.`,
    );
  }

  async function tokenKeys(): Promise<TokenKeys> {
    return tokenKeysOf(accepted(), await rotations.all());
  }

  return {
    keyring: () => accepted()[0],
    accepted,
    tokenKeys,
    streamerKeys: () => accepted()[0].streamerKeys(),
    async streamerKeyList() {
      const { publicKeys } = await tokenKeys();
      return { publicKeys, tagKeys: accepted().map(({ sessionTagKey }) => sessionTagKey.toString('base64url')) };
    },
    uploadTokenKeys() {
      const [current, ...previous] = accepted();
      return [current.uploadTokenKey, ...previous.map(({ uploadTokenKey }) => uploadTokenKey)];
    },
    async rotate(overlapSeconds = DEFAULT_OVERLAP_SECONDS) {
      checkOverlap(overlapSeconds);
      const keyring = accepted()[0];
      const rotation = await rotations.add(overlapSeconds * 1000);
      const { kid } = keyring.tokenKey(rotation);
      strapi.log.info(`protected-vod: token keys rotated, "${kid}" signs soon`);
      const signsInSeconds = Math.ceil(Math.max(0, ANNOUNCE_MS - rotation.ageMs) / 1000);
      return { kid, signsInSeconds, overlapSeconds: rotation.overlapMs / 1000 };
    },
  };
}
