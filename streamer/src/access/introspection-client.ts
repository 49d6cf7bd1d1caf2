import { LRUCache } from 'lru-cache';
import { type Client, type Grant, introspectionResponseSchema } from '../../../server/contracts';
import type { Clock } from './clock';
import type { AccessObserver } from './observer';
import type { PluginAnswer, PluginApi } from './plugin-api';
import { hashCredential } from './session-tag';
import { createBuckets } from './token-bucket';

const REFUSED_TTL_MS = 1_000;
const FINAL_TTL_MS = 60_000;
const MAX_REMEMBERED = 50_000;
const MAX_IN_FLIGHT = 256;
/** Per credential and address prefix: enough for a player's retries, useless for a flood. */
const ASKING = { capacity: 4, refillPerSecond: 1, maxKeys: 50_000 };

export interface Question {
  credential: string;
  client: Client;
  idleMs: number | null;
}

export type Introspection =
  | { kind: 'active'; sessionId: string; grant: Grant; sentAt: number }
  | { kind: 'refused'; final: boolean }
  /** Another streamer may still be serving the client before; a later answer can be a yes (S12). */
  | { kind: 'pending' }
  | { kind: 'unavailable' }
  | { kind: 'broken' }
  /**
   * Asked too often, or too much is being asked at once; nothing is known. `retryAfterSeconds`: the plugin says so, of this
   * user or address prefix.
   */
  | { kind: 'limited'; retryAfterSeconds?: number };

export interface IntrospectionClient {
  /**
   * Asks the plugin whether `credential` may play for `client`. Never throws. An active answer is the plugin's word and has
   * not been compared with the client here. Equal questions in flight share one request (S17).
   */
  ask(question: Question): Promise<Introspection>;
  /** A refusal of this credential for this client that is still remembered. */
  remembered(credential: string, client: Client): Introspection | null;
}

function interpret(answer: PluginAnswer): Introspection {
  if (answer.kind !== 'answered') return { kind: answer.kind };
  const parsed = introspectionResponseSchema.safeParse(answer.json);
  if (!parsed.success) return { kind: 'broken' };
  if (!parsed.data.active) {
    const { pending, final, retryAfterSeconds } = parsed.data;
    if (retryAfterSeconds !== undefined) return { kind: 'limited', retryAfterSeconds };
    return pending ? { kind: 'pending' } : { kind: 'refused', final };
  }
  return { kind: 'active', sessionId: parsed.data.sessionId, grant: parsed.data.grant, sentAt: answer.sentAt };
}

export interface IntrospectionClientParts {
  api: PluginApi;
  /** Names this process; its syncs carry the same. */
  bootId: string;
  observer: AccessObserver;
  clock: Clock;
}

export function createIntrospectionClient(parts: IntrospectionClientParts): IntrospectionClient {
  const { api, bootId: streamer, observer, clock } = parts;
  const inFlight = new Map<string, Promise<Introspection>>();
  const perf = { now: clock };
  const refused = new LRUCache<string, { final: boolean }>({
    max: MAX_REMEMBERED,
    ttl: REFUSED_TTL_MS,
    ttlResolution: 0,
    perf,
  });
  const limiter = createBuckets(ASKING, clock);

  const keyOf = (hash: string, { addressPrefix, agent }: Client): string => `${hash} ${addressPrefix} ${agent}`;

  function remember(hash: string, key: string, final: boolean): void {
    // A final refusal holds for every client, so it is kept under the credential alone.
    if (final) refused.set(hash, { final }, { ttl: FINAL_TTL_MS });
    else refused.set(key, { final });
  }

  async function send(question: Question, hash: string, key: string): Promise<Introspection> {
    try {
      const result = interpret(await api.post('/introspect', JSON.stringify({ streamer, ...question })));
      if (result.kind !== 'limited') observer.introspected(result.kind);
      if (result.kind === 'refused') remember(hash, key, result.final);
      return result;
    } finally {
      inFlight.delete(key);
    }
  }

  function remembered(credential: string, client: Client): Introspection | null {
    const hash = hashCredential(credential);
    const held = refused.get(hash) ?? refused.get(keyOf(hash, client));
    if (held === undefined) return null;
    observer.introspectionSpared();
    return { kind: 'refused', final: held.final };
  }

  async function ask(question: Question): Promise<Introspection> {
    const known = remembered(question.credential, question.client);
    if (known !== null) return known;
    const hash = hashCredential(question.credential);
    const key = keyOf(hash, question.client);
    const running = inFlight.get(key);
    if (running !== undefined) return running;
    if (!limiter.take(`${hash} ${question.client.addressPrefix}`)) {
      observer.introspectionSpared();
      return { kind: 'limited' };
    }
    if (inFlight.size >= MAX_IN_FLIGHT) return { kind: 'limited' };
    const sent = send(question, hash, key);
    inFlight.set(key, sent);
    return sent;
  }

  return { ask, remembered };
}
