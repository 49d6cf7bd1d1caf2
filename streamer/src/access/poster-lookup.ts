import type { KeyObject } from 'node:crypto';
import { jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import {
  type Client,
  type GrantedFile,
  POSTER_TOKEN_TYPE,
  posterAnswerSchema,
  posterRequestSchema,
  TOKEN_AUDIENCE,
  TOKEN_ISSUER,
} from '../../../server/contracts';
import type { Clock } from './clock';
import type { AccessObserver } from './observer';
import type { PluginApi } from './plugin-api';
import { type Refusal, refuse } from './refusal';
import { hashCredential } from './session-tag';
import type { SignatureBudget } from './signature-budget';
import type { TrustedKeys } from './trusted-keys';

const MAX_REMEMBERED = 10_000;
/** A poster that is not there yet may be soon. */
const REFUSED_MS = 2_000;
/** A page of a catalogue shows a hundred; few are asked at one time, and the others wait for their turn. */
const MAX_IN_FLIGHT = 1_000;
const RETRY = { retryAfterSeconds: 2 };

const headerSchema = z.object({ alg: z.literal('EdDSA'), typ: z.literal(POSTER_TOKEN_TYPE), kid: z.string().max(64) });

export type PosterFinding = { kind: 'still'; file: GrantedFile } | Refusal;

export interface PosterLookupParts {
  api: Pick<PluginApi, 'post'>;
  keys: Pick<TrustedKeys, 'find' | 'informed'>;
  observer: Pick<AccessObserver, 'signatureChecked'>;
  signatures: SignatureBudget;
  clock: Clock;
}

/**
 * Finds the made poster that a credential names, for anybody who shows it: it names an entry and no viewer, and opens no
 * session. The plugin says for at most a minute at a time which file that is, and whether it may be shown still.
 */
export type PosterLookup = (credential: string, client: Client) => Promise<PosterFinding>;

function headerOf(credential: string): z.infer<typeof headerSchema> | null {
  try {
    const text = Buffer.from(credential.split('.')[0] ?? '', 'base64url').toString('utf8');
    return headerSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null; // Not JSON is not a header.
  }
}

async function isGenuine(credential: string, key: KeyObject): Promise<boolean> {
  // RFC 8725 §3.1, §3.8, §3.9, §3.11: one algorithm, fixed issuer, audience and type.
  const rules = { algorithms: ['EdDSA'], typ: POSTER_TOKEN_TYPE, issuer: TOKEN_ISSUER, audience: TOKEN_AUDIENCE };
  return jwtVerify(credential, key, { ...rules, requiredClaims: ['exp'] }).then(
    () => true,
    () => false,
  );
}

export function createPosterLookup({ api, keys, observer, signatures, clock }: PosterLookupParts): PosterLookup {
  const known = new LRUCache<string, PosterFinding>({
    max: MAX_REMEMBERED,
    ttl: REFUSED_MS,
    ttlResolution: 0,
    perf: { now: clock },
  });
  const asking = new Map<string, Promise<PosterFinding>>();

  async function ask(credential: string): Promise<PosterFinding> {
    const answer = await api.post('/poster', JSON.stringify({ credential }));
    if (answer.kind === 'unavailable') return refuse(503, 'plugin-unavailable', RETRY);
    const parsed = posterAnswerSchema.safeParse(answer.kind === 'answered' ? answer.json : null);
    if (answer.kind !== 'answered' || !parsed.success) return refuse(503, 'plugin-broken', RETRY);
    if (!parsed.data.active) return refuse(403, 'poster-refused');
    const { poster, freshSeconds } = parsed.data;
    const still: PosterFinding = { kind: 'still', file: poster };
    const ttl = answer.sentAt + freshSeconds * 1000 - clock();
    if (ttl > 0) known.set(hashCredential(credential), still, { ttl });
    return still;
  }

  async function check(credential: string, { addressPrefix }: Client): Promise<PosterFinding> {
    const key = keys.find(headerOf(credential)?.kid ?? '');
    // A streamer that has just begun may not know the newest key yet.
    if (key === null) return keys.informed ? refuse(403, 'token-invalid') : refuse(503, 'plugin-unavailable', RETRY);
    const overspent = signatures.take(addressPrefix);
    if (overspent !== null) return overspent;
    observer.signatureChecked();
    if (!(await isGenuine(credential, key))) return refuse(403, 'token-invalid');
    signatures.giveBack(addressPrefix);
    const found = await ask(credential);
    if (found.kind === 'refused' && found.status === 403) known.set(hashCredential(credential), found);
    return found;
  }

  return async (credential, client) => {
    if (!posterRequestSchema.safeParse({ credential }).success) return refuse(403, 'credential-malformed');
    const hash = hashCredential(credential);
    const running = known.get(hash) ?? asking.get(hash);
    if (running !== undefined) return running;
    if (asking.size >= MAX_IN_FLIGHT) return refuse(503, 'rate-limited', RETRY);
    const checked = check(credential, client).finally(() => asking.delete(hash));
    asking.set(hash, checked);
    return checked;
  };
}
