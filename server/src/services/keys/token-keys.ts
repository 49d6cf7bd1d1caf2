import type { Keyring } from '../../tokens/keyring';
import type { KeyFinder } from '../../tokens/playback-token';
import { keyTerms, type Rotation, signingTerm } from '../../tokens/rotation';
import type { TokenKey } from '../../tokens/token-key';

/** The keys of playback tokens as they are now. */
export interface TokenKeys {
  signing: TokenKey;
  find: KeyFinder;
  /** Of all keys whose tokens are good, and of one that will sign soon, by `kid`. */
  publicKeys: Record<string, string>;
}

/** Derives each key once; `keyrings`: the one that signs first, then those that are still accepted. */
export function createTokenKeySource(): (keyrings: readonly Keyring[], rotations: readonly Rotation[]) => TokenKeys {
  const derived = new WeakMap<Keyring, Map<string, TokenKey>>();

  function keyFor(keyring: Keyring, rotation: Rotation | null): TokenKey {
    const keys = derived.get(keyring) ?? new Map<string, TokenKey>();
    derived.set(keyring, keys);
    const name = rotation === null ? '' : `${rotation.number} ${rotation.salt}`;
    const key = keys.get(name) ?? keyring.tokenKey(rotation);
    keys.set(name, key);
    return key;
  }

  return (keyrings, rotations) => {
    const [current] = keyrings;
    if (!current) throw new Error('There is no keyring.');
    const terms = keyTerms(rotations);
    const all = keyrings.flatMap((keyring) => terms.map(({ rotation }) => keyFor(keyring, rotation)));
    const byKid = new Map(all.map((key) => [key.kid, key]));
    return {
      signing: keyFor(current, signingTerm(terms).rotation),
      find: (kid) => byKid.get(kid)?.verificationKey ?? null,
      publicKeys: Object.fromEntries(all.map(({ kid, publicKey }) => [kid, publicKey])),
    };
  };
}
