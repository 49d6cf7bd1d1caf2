import { createPublicKey, type KeyObject } from 'node:crypto';
import { type StreamerKeyList, type StreamerKeys, streamerKeyListSchema } from '../../../server/contracts';
import { deriveTagKey, hasValidTag } from './session-tag';

/** What this streamer checks tokens and session ids with: what it was started with, until the plugin tells what counts now. */
export interface TrustedKeys {
  /** The public key of that name, if its tokens are good now. */
  find(kid: string): KeyObject | null;
  /** Whether the plugin made this well-formed session id; as `hasValidTag`. */
  hasTag(sessionId: string): boolean;
  /** Whether the plugin has told yet. Until then a credential of an unknown key may be a good one. */
  readonly informed: boolean;
  /** Takes over what a sync answered; undefined: nothing changed. What is no list of keys changes nothing. */
  learn(keys: unknown): void;
}

function importKey(x: string): KeyObject {
  // RFC 8037 §2: a raw Ed25519 public key as an octet key pair.
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

export function createTrustedKeys({ credential, publicKeys }: StreamerKeys): TrustedKeys {
  const importAll = (list: StreamerKeys['publicKeys']): Map<string, KeyObject> =>
    new Map(Object.entries(list).map(([kid, x]) => [kid, importKey(x)]));
  let keys = importAll(publicKeys);
  let tagKeys = [deriveTagKey(credential)];
  let informed = false;
  let told = '';

  function replace(list: StreamerKeyList): void {
    // The same is told every second.
    const text = JSON.stringify(list);
    if (text === told) return;
    keys = importAll(list.publicKeys);
    tagKeys = list.tagKeys.map((key) => Buffer.from(key, 'base64url'));
    told = text;
  }

  return {
    find: (kid) => keys.get(kid) ?? null,
    hasTag: (sessionId) => tagKeys.some((key) => hasValidTag(key, sessionId)),
    get informed() {
      return informed;
    },
    learn(answered) {
      informed = true;
      const list = streamerKeyListSchema.safeParse(answered);
      if (list.success) replace(list.data);
    },
  };
}
