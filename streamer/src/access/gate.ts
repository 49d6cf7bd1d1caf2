import {
  type AddressedResource,
  type Client,
  formatResource,
  type GrantedAsset,
  type HlsEncryption,
  mediaKindOf,
  playbackTokenSchema,
  type Resource,
  sessionIdSchema,
} from '../../../server/contracts';
import type { HeldSession, OpenResponse } from './held-session';
import type { PacedKind } from './media-pace';
import type { PosterFinding, PosterLookup } from './poster-lookup';
import { type Refusal, refuse } from './refusal';
import { permits } from './rights';
import type { SessionLookup } from './session-lookup';
import type { TokenLookup } from './token-lookup';

export interface AdmissionRequest {
  method: 'GET' | 'HEAD';
  /** As it stood in the address; nothing about it is checked. */
  credential: string;
  /** Null: the address names nothing. */
  resource: Resource | null;
  /** Null: the client's address cannot be told. */
  client: Client | null;
  /** WS-FLV and RTMP cannot follow a redirect: their token is admitted where it is shown. */
  inPlace?: boolean;
}

export type Admission =
  | { kind: 'admitted'; session: PlaybackSession; resource: Resource }
  /** Relative, so that it holds under any mount prefix (RFC 9110 §10.2.2). */
  | { kind: 'redirect'; location: string; sessionHash: string }
  | Refusal;

export interface Gate {
  /**
   * The only way to a `PlaybackSession`. Admitted means: the credential is genuine, the session lives, the client is the bound
   * one, the grant permits this very resource, and the limits on parallel responses and pace leave room. NOT checked: whether
   * track and segment exist in the asset. Never throws on anything a stranger can send. What is admitted must be
   * `release()`d. Answers at once where the session is held and the client is the bound one, else with a promise.
   */
  admit(request: AdmissionRequest): Admission | Promise<Admission>;
  /**
   * The poster that a credential of its own names; it opens no session and holds none. Null: this is no such credential,
   * `admit` is to decide. Never rejects on anything a stranger can send.
   */
  show(request: AdmissionRequest): Promise<PosterFinding> | null;
}

export interface GateParts {
  lookup: SessionLookup;
  tokenLookup: TokenLookup;
  posterLookup: PosterLookup;
  maxResponsesPerSession: number;
}

/** One admitted response. Not exported: no other module can make one. */
class AdmittedResponse {
  readonly #held: HeldSession;
  readonly #open: OpenResponse;
  readonly #endListeners: (() => void)[] = [];
  #ended = false;
  #controller: AbortController | undefined;

  constructor(held: HeldSession, resource: Resource, addressPrefix: string) {
    this.#held = held;
    this.#open = { resource, addressPrefix, destroy: () => this.#end() };
    held.open(this.#open);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const listener of this.#endListeners) listener();
    this.#controller?.abort();
  }

  get sessionHash(): string {
    return this.#held.hash;
  }

  get asset(): GrantedAsset {
    return this.#held.grant.asset;
  }

  /** Null: HLS segments are sent as they are. */
  get hlsEncryption(): HlsEncryption | null {
    return this.#held.grant.hlsEncryption ?? null;
  }

  /** Aborts when the right to this response is gone; whoever sends must then destroy the connection. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** The right to this response is gone. */
  get ended(): boolean {
    return this.#ended;
  }

  /** As `signal`, for a fraction of its price. `listener` is not called if that has happened already. */
  onEnd(listener: () => void): void {
    this.#endListeners.push(listener);
  }

  /** Asked before each block of a long answer, so that a lapsed lease stops it without waiting for a sweep. */
  mayContinue(): boolean {
    return !this.#ended && this.#held.isLive();
  }

  countBytes(bytes: number): void {
    this.#held.countBytes(bytes);
  }

  /** S13: milliseconds to wait before `seconds` of media may be sent; counted as served only if the answer is 0. */
  claimMedia(kind: PacedKind, seconds: number): number {
    const waitMs = this.#held.pace.waitMs(kind, seconds, this.#held.grant.pace);
    if (waitMs === 0) this.#held.countMedia(kind, seconds);
    return waitMs;
  }

  release(): void {
    this.#held.close(this.#open);
  }
}

export type PlaybackSession = AdmittedResponse;

/** `../` for every part of the resource's path: up to the credential's place and down again under the session id. */
function relativeLocation(sessionId: string, resource: AddressedResource): string {
  const path = formatResource(resource);
  return `${'../'.repeat(path.split('/').length)}${sessionId}/${path}`;
}

function isContinuous({ kind }: Resource): boolean {
  return kind === 'flv' || kind === 'rtmp';
}

/** Segments stand one by one before the pace; long answers are slowed down while they are sent. */
function paceWaitMs(session: HeldSession, resource: Resource): number {
  if (resource.kind !== 'segment') return 0;
  return session.pace.waitMs(mediaKindOf(resource.track), 0, session.grant.pace);
}

export function createGate({ lookup, tokenLookup, posterLookup, maxResponsesPerSession }: GateParts): Gate {
  function checkRight(session: HeldSession, resource: Resource | null): Refusal | null {
    const more = { sessionHash: session.hash };
    if (resource === null) return refuse(404, 'resource-unknown', more);
    return permits(session.grant, resource) ? null : refuse(403, 'protocol-not-permitted', more);
  }

  function checkLimits(session: HeldSession, resource: Resource): Refusal | null {
    const sessionHash = session.hash;
    if (session.openResponses >= maxResponsesPerSession) {
      return refuse(429, 'too-many-responses', { sessionHash, retryAfterSeconds: 1 });
    }
    const waitMs = paceWaitMs(session, resource);
    if (waitMs === 0) return null;
    return refuse(429, 'pace-exceeded', { sessionHash, retryAfterSeconds: Math.ceil(waitMs / 1000) });
  }

  function admitFound(session: HeldSession, client: Client, { method, resource }: AdmissionRequest): Admission {
    const refusal = checkRight(session, resource);
    if (refusal !== null || resource === null) return refusal ?? refuse(404, 'resource-unknown');
    // Nothing is awaited from here on, so parallel requests cannot slip past the limits together.
    const limited = checkLimits(session, resource);
    if (limited !== null) return limited;
    // S13: one continuous stream a session. The newest wins, so that a player that reconnects is not shut out.
    if (method === 'GET' && isContinuous(resource)) session.destroyResponses((open) => isContinuous(open.resource));
    const response = new AdmittedResponse(session, resource, client.addressPrefix);
    return { kind: 'admitted', session: response, resource };
  }

  async function admitSession(request: AdmissionRequest, client: Client): Promise<Admission> {
    const found = await lookup.bySessionId(request.credential, client);
    if (found.kind === 'refused') return found;
    return admitFound(found.session, client, request);
  }

  async function admitToken(request: AdmissionRequest, client: Client): Promise<Admission> {
    const { credential: token, method, resource } = request;
    const found = await tokenLookup({ token, client, method, resource });
    if (found.kind === 'refused') return found;
    if (request.inPlace === true) return admitFound(found.session, client, request);
    const refusal = checkRight(found.session, resource);
    if (refusal !== null || resource === null || resource.kind === 'rtmp') {
      return refusal ?? refuse(404, 'resource-unknown');
    }
    const location = relativeLocation(found.session.id, resource);
    return { kind: 'redirect', location, sessionHash: found.session.hash };
  }

  return {
    show({ credential, resource, client }) {
      if (resource?.kind !== 'poster' || client === null || !playbackTokenSchema.safeParse(credential).success)
        return null;
      return posterLookup(credential, client);
    },
    admit(request) {
      const { credential, client } = request;
      if (credential === '') return refuse(401, 'credential-missing');
      if (client === null) return refuse(403, 'client-unknown');
      // What every request but the first takes. Being found is proof of the credential's shape and tag.
      const session = lookup.held(credential, client);
      if (session !== null) return admitFound(session, client, request);
      if (sessionIdSchema.safeParse(credential).success) return admitSession(request, client);
      // Looking at a poster is no playback: it spends no token.
      const isToken = request.resource?.kind !== 'poster' && playbackTokenSchema.safeParse(credential).success;
      return isToken ? admitToken(request, client) : refuse(403, 'credential-malformed');
    },
  };
}
