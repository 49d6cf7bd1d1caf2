import {
  createHash,
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, SignJWT } from 'jose';
import {
  type Client,
  type Grant,
  type GrantedFile,
  type IntrospectionRequest,
  type IntrospectionResponse,
  introspectionRequestSchema,
  POSTER_TOKEN_TYPE,
  posterRequestSchema,
  type SessionUsage,
  type SessionVerdict,
  STREAMER_CREDENTIAL_HEADER,
  type StreamerKeyList,
  type StreamerKeys,
  type SyncRequest,
  syncRequestSchema,
} from '../../server/contracts';

/** A second, small implementation of the internal REST contract, for tests of the streamer alone. */
export interface StandInPlugin {
  internalUrl: string;
  keys: StreamerKeys;
  /** What the next redemptions grant, apart from client and generation. */
  terms: Omit<Grant, 'client' | 'generation'>;
  introspections: IntrospectionRequest[];
  syncs: SyncRequest[];
  /** Credentials of posters that were asked about. */
  posterQuestions: string[];
  /** What is answered to them; null: no. */
  poster: GrantedFile | null;
  /** What syncs tell of the keys that count now; null: nothing. */
  keyList: StreamerKeyList | null;
  /** Requests that broke the contract; a good run leaves it empty. */
  violations: string[];
  /** Set to answer something else than the contract's implementation would. */
  faults: {
    introspect?: Fault;
    sync?: Fault;
    poster?: Fault;
    verdict?: (verdict: SessionVerdict) => unknown;
    renew: boolean;
  };
  mint(options?: MintOptions): Promise<string>;
  /** A poster's credential of this plugin, unless the options say else. */
  mintPoster(options?: MintOptions): Promise<string>;
  /** The id of the session that a token opened. */
  sessionOf(token: string): string;
  /** `asset`: another one than in `terms`. */
  openSession(client: Client, asset?: Grant['asset']): string;
  end(sessionId: string): void;
  stop(): Promise<void>;
  /** Listens again on the port it had. */
  restart(): Promise<void>;
}

export type Fault = { status: number; body: string } | 'hang' | 'reset';

export interface MintOptions {
  expiresInSeconds?: number;
  protocols?: string[];
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  key?: KeyObject;
}

interface Session {
  id: string;
  jti: string;
  client: Client;
  generation: number;
  ended: boolean;
  asset?: Grant['asset'] | undefined;
  /** As the terms said when it began: its keys are its own. */
  hlsEncryption: Grant['hlsEncryption'];
}

export function makeSessionId(credential: string): string {
  const key = Buffer.from(
    hkdfSync('sha256', Buffer.from(credential, 'base64url'), '', 'protected-vod/session-tag', 32),
  );
  const random = randomBytes(18);
  const tag = createHmac('sha256', key).update(random).digest().subarray(0, 12);
  return `ps_${Buffer.concat([random, tag]).toString('base64url')}`;
}

export function hashOf(credential: string): string {
  return createHash('sha256').update(credential).digest('hex');
}

function defaultTerms(): StandInPlugin['terms'] {
  return {
    video: 'video1',
    asset: {
      id: 'asset1',
      contentVersion: 'version-0001',
      fileName: 'film.mp4',
      mime: 'video/mp4',
      durationSeconds: 60,
      renditions: [{ id: 'source', storageKey: 'films/film.mp4', sizeBytes: 1 }],
    },
    protocols: ['hls', 'dash', 'mp4'],
    download: true,
    leaseSeconds: 30,
    outageGraceSeconds: 30,
    pace: { factor: 1000, bufferSeconds: 100_000 },
  };
}

const REFUSED: IntrospectionResponse = { active: false, final: false };

export async function startStandInPlugin(): Promise<StandInPlugin> {
  const pair = generateKeyPairSync('ed25519');
  const jwk = pair.publicKey.export({ format: 'jwk' });
  const credential = randomBytes(32).toString('base64url');
  const keys: StreamerKeys = { credential, publicKeys: { k1: String(jwk.x) } };
  const sessions = new Map<string, Session>();
  const byHash = new Map<string, Session>();
  let server: http.Server;
  let port = 0;

  function grantOf({ client, generation, asset, hlsEncryption }: Session): Grant {
    const { hlsEncryption: _ofNewSessions, ...terms } = structuredClone({ ...plugin.terms, ...(asset && { asset }) });
    return { ...terms, ...(hlsEncryption && { hlsEncryption }), client, generation };
  }

  function insert(jti: string, client: Client, asset?: Grant['asset']): Session {
    const { hlsEncryption } = plugin.terms;
    const session = { id: makeSessionId(credential), jti, client, generation: 0, ended: false, asset, hlsEncryption };
    sessions.set(session.id, session);
    byHash.set(hashOf(session.id), session);
    return session;
  }

  function findOrRedeem({ credential: given, client }: IntrospectionRequest): Session | null {
    if (given.startsWith('ps_')) return sessions.get(given) ?? null;
    const { jti = '', exp = 0 } = decodeJwt(given);
    const known = [...sessions.values()].find((session) => session.jti === jti);
    if (known !== undefined || exp < Date.now() / 1000) return known ?? null;
    return insert(jti, client);
  }

  function introspect(request: IntrospectionRequest): IntrospectionResponse {
    const session = findOrRedeem(request);
    if (session === null || session.ended) return { active: false, final: true };
    if (session.client.addressPrefix !== request.client.addressPrefix) {
      const { exp = Number.POSITIVE_INFINITY } = request.credential.startsWith('ps_')
        ? {}
        : decodeJwt(request.credential);
      const yields = session.client.agent === request.client.agent || (request.idleMs ?? 0) >= 15_000;
      if (!yields || exp < Date.now() / 1000) return REFUSED;
      session.client = request.client;
      session.generation += 1;
    }
    return { active: true, sessionId: session.id, grant: grantOf(session) };
  }

  function verdictOf({ session: hash, idleMs }: SessionUsage): unknown {
    const session = byHash.get(hash);
    let verdict: SessionVerdict = { session: hash, state: 'unchanged' };
    if (session === undefined || session.ended) verdict = { session: hash, state: 'ended' };
    else if (plugin.faults.renew && idleMs < 90_000)
      verdict = { session: hash, state: 'renewed', grant: grantOf(session) };
    return plugin.faults.verdict?.(verdict) ?? verdict;
  }

  function answer(path: string, body: string): unknown {
    if (path.endsWith('/introspect')) {
      const request = introspectionRequestSchema.parse(JSON.parse(body));
      plugin.introspections.push(request);
      return introspect(request);
    }
    if (path.endsWith('/poster')) {
      plugin.posterQuestions.push(posterRequestSchema.parse(JSON.parse(body)).credential);
      return plugin.poster ? { active: true, poster: plugin.poster, freshSeconds: 60 } : { active: false };
    }
    const request = syncRequestSchema.parse(JSON.parse(body));
    plugin.syncs.push(request);
    return { results: request.sessions.map(verdictOf), ...(plugin.keyList && { keys: plugin.keyList }) };
  }

  function respond(request: http.IncomingMessage, response: http.ServerResponse, body: string): void {
    const path = request.url ?? '';
    const { sync, introspect: asked, poster = asked } = plugin.faults;
    const fault = path.endsWith('/sync') ? sync : path.endsWith('/poster') ? poster : asked;
    if (fault === 'hang') return;
    if (fault === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    if (request.headers[STREAMER_CREDENTIAL_HEADER] !== credential) plugin.violations.push('no credential');
    try {
      const json = answer(path, body);
      response.writeHead(fault?.status ?? 200, { 'content-type': 'application/json', location: '/elsewhere' });
      response.end(fault?.body ?? JSON.stringify(json));
    } catch (error) {
      plugin.violations.push(`${path}: ${String(error)}`);
      response.writeHead(400).end();
    }
  }

  function listen(): Promise<void> {
    server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => respond(request, response, Buffer.concat(chunks).toString('utf8')));
    });
    return new Promise((resolve) => {
      server.listen(port, '127.0.0.1', () => {
        port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  async function mint({
    expiresInSeconds = 60,
    protocols = ['hls', 'dash', 'mp4'],
    claims = {},
    header = {},
    key,
  }: MintOptions = {}) {
    const now = Math.floor(Date.now() / 1000);
    const payload = { jti: randomUUID(), iat: now, exp: now + expiresInSeconds, vid: 'video1', pro: protocols };
    return new SignJWT({ ...payload, iss: 'protected-vod', aud: 'protected-vod-streamer', ...claims })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'protected-vod-playback+jwt', kid: 'k1', ...header })
      .sign(key ?? createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' })));
  }

  const plugin: StandInPlugin = {
    internalUrl: '',
    keys,
    terms: defaultTerms(),
    introspections: [],
    syncs: [],
    posterQuestions: [],
    poster: null,
    keyList: null,
    violations: [],
    faults: { renew: true },
    mint,
    mintPoster: ({ header = {}, claims = {}, ...more } = {}) =>
      mint({ ...more, claims: { loc: null, ...claims }, header: { typ: POSTER_TOKEN_TYPE, ...header } }),
    sessionOf(token) {
      const { jti } = decodeJwt(token);
      const session = [...sessions.values()].find((candidate) => candidate.jti === jti);
      if (session === undefined) throw new Error('the token opened no session');
      return session.id;
    },
    openSession: (client, asset) => insert(randomUUID(), client, asset).id,
    end(sessionId) {
      const session = sessions.get(sessionId);
      if (session !== undefined) session.ended = true;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    restart: listen,
  };
  await listen();
  plugin.internalUrl = `http://127.0.0.1:${port}/api/protected-vod/internal`;
  return plugin;
}
