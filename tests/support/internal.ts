import { createHash, createHmac, randomUUID } from 'node:crypto';
import {
  type Client,
  type IntrospectionResponse,
  introspectionResponseSchema,
  STREAMER_CREDENTIAL_HEADER,
  type StreamerKeys,
  type SyncResponse,
  syncResponseSchema,
} from '../../server/contracts';
import type { StrapiApp } from './strapi-app';

export const PHONE: Client = { addressPrefix: '203.0.113.0/24', agent: '00000000000000aa' };
export const LAPTOP: Client = { addressPrefix: '198.51.100.0/24', agent: '00000000000000bb' };

/** Boot id of the streamer that asks where a test names none. */
const ONE_STREAMER = randomUUID();

export const hashOf = (sessionId: string): string => createHash('sha256').update(sessionId).digest('hex');

/** What the streamer of this site holds. */
export function streamerKeysOf(app: StrapiApp): StreamerKeys {
  return app.strapi.plugin('protected-vod').service('keys').streamerKeys();
}

/** What a session's row says of its id, made with one of the keys that the site accepts; the first is the one in use. */
export function sessionHashFor(app: StrapiApp, tokenId: string, salt: string, key = 0): string {
  const { sessionIdKey, sessionTagKey } = app.strapi.plugin('protected-vod').service('keys').accepted()[key];
  const core = createHmac('sha256', sessionIdKey)
    .update(JSON.stringify([tokenId, salt]))
    .digest()
    .subarray(0, 18);
  const tag = createHmac('sha256', sessionTagKey).update(core).digest().subarray(0, 12);
  return hashOf(`ps_${Buffer.concat([core, tag]).toString('base64url')}`);
}

/** POSTs to the internal REST; `credential` null sends none. */
export function callInternal(
  app: StrapiApp,
  path: 'introspect' | 'sync',
  body: unknown,
  credential: string | null = streamerKeysOf(app).credential,
): Promise<Response> {
  return fetch(`${app.url}/api/protected-vod/internal/${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(credential !== null && { [STREAMER_CREDENTIAL_HEADER]: credential }),
    },
    body: JSON.stringify(body),
  });
}

/** Asks as a streamer does whether a credential may play. */
export async function introspect(
  app: StrapiApp,
  credential: string,
  client: Client = PHONE,
  idleMs: number | null = null,
  streamer: string = ONE_STREAMER,
): Promise<IntrospectionResponse> {
  const response = await callInternal(app, 'introspect', { streamer, credential, client, idleMs });
  if (response.status !== 200) throw new Error(`introspect answered ${response.status}`);
  return introspectionResponseSchema.parse(await response.json());
}

/** Redeems a token that must be granted. */
export async function redeem(app: StrapiApp, token: string, client: Client = PHONE) {
  const answer = await introspect(app, token, client);
  if (!answer.active) throw new Error('the token was refused');
  return answer;
}

export interface StreamerSide {
  bootId: string;
  introspect(credential: string, client?: Client, idleMs?: number | null): Promise<IntrospectionResponse>;
  sync(
    sessions: { session: string; generation?: number; idleMs?: number; bytes?: number; mediaSeconds?: number }[],
    more?: { leaving?: true; node?: { url: string } },
  ): Promise<SyncResponse>;
}

/** A streamer's side of the internal REST: a boot id of its own and a rising sequence. */
export function streamerSide(app: StrapiApp, bootId: string = randomUUID()): StreamerSide {
  let sequence = 0;
  return {
    bootId,
    introspect: (credential, client = PHONE, idleMs = null) => introspect(app, credential, client, idleMs, bootId),
    async sync(sessions, { leaving, node } = {}) {
      sequence += 1;
      const response = await callInternal({ ...app, ...node }, 'sync', {
        bootId,
        sequence,
        sessions: sessions.map((entry) => ({ generation: 0, bytes: 0, mediaSeconds: 0, idleMs: 0, ...entry })),
        leaving,
      });
      if (response.status !== 200) throw new Error(`sync answered ${response.status}`);
      return syncResponseSchema.parse(await response.json());
    },
  };
}

/** The sync of a streamer of its own. */
export function syncingStreamer(app: StrapiApp): StreamerSide['sync'] {
  return streamerSide(app).sync;
}
