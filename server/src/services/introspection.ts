import type { Core } from '@strapi/strapi';
import {
  type DenyReason,
  type IntrospectionRequest,
  type IntrospectionResponse,
  sessionIdSchema,
} from '../../contracts';
import { configOf } from '../config';
import type { Keyring } from '../tokens/keyring';
import { type PlaybackClaims, verifyPlaybackToken } from '../tokens/playback-token';
import { deriveSessionId, hashSessionId, hasValidTag, newSessionSalt } from '../tokens/session-id';
import { getService } from './get-service';
import { renewSession } from './playback-session/decide-session';
import { grantFor } from './playback-session/grant';
import { judgeHandOver } from './playback-session/hand-over';
import { clientOf, type SessionRow } from './playback-session/row';
import type { SessionStore } from './playback-session/store';

/** A session that the credential leads to, before anything was decided about the one who shows it. */
interface Found {
  row: SessionRow;
  sessionId: string;
  /** An expired token serves the client already bound and hands nothing over (S11). */
  mayHandOver: boolean;
}

class Refused {
  constructor(
    readonly reason: DenyReason,
    readonly final: boolean,
  ) {}
}

export interface IntrospectionService {
  introspect(request: IntrospectionRequest): Promise<IntrospectionResponse>;
}

/** Answers the streamer. Starts from "no": every path that is not a full yes ends in `{ active: false }`. */
export function createIntrospectionService({ strapi }: { strapi: Core.Strapi }): IntrospectionService {
  return {
    async introspect(request) {
      const inquiry = new Inquiry(strapi, request);
      const outcome = await inquiry.run();
      if (!(outcome instanceof Refused)) return outcome;
      strapi.log.debug(`Introspection refused: ${outcome.reason}`);
      return { active: false, final: outcome.final };
    },
  };
}

class Inquiry {
  private readonly store: SessionStore;
  private readonly keyring: Keyring;
  private readonly session;

  constructor(
    private readonly strapi: Core.Strapi,
    private readonly request: IntrospectionRequest,
  ) {
    this.store = getService(strapi, 'playback-session').store;
    this.keyring = getService(strapi, 'keys').keyring();
    this.session = configOf(strapi).session;
  }

  async run(): Promise<IntrospectionResponse | Refused> {
    const { credential } = this.request;
    const isSessionId = sessionIdSchema.safeParse(credential).success;
    const found = await (isSessionId ? this.findBySessionId(credential) : this.findByToken(credential));
    if (found instanceof Refused) return found;
    if (found.row.state === 'ended') return new Refused('session-ended', true);
    const held = await this.contest(found);
    return held instanceof Refused ? held : this.grant({ ...found, row: held });
  }

  private async findBySessionId(sessionId: string): Promise<Found | Refused> {
    if (!hasValidTag(this.keyring, sessionId)) return new Refused('token-invalid', true);
    const row = await this.store.findByHash(hashSessionId(sessionId));
    return row ? { row, sessionId, mayHandOver: true } : new Refused('session-ended', true);
  }

  private async findByToken(token: string): Promise<Found | Refused> {
    const verified = await verifyPlaybackToken(this.keyring, token).catch(() => null);
    if (!verified) return new Refused('token-invalid', true);
    const { claims, expired } = verified;
    const known = await this.store.findByTokenId(claims.tokenId);
    const row = known ?? (expired ? new Refused('token-expired', true) : await this.redeem(claims));
    if (row instanceof Refused) return row;
    return { row, sessionId: deriveSessionId(this.keyring, row.token_id, row.salt), mayHandOver: !expired };
  }

  /** Decides as the mint did, then inserts; the unique token id makes one redemption the first (S5). */
  private async redeem(claims: PlaybackClaims): Promise<SessionRow | Refused> {
    const { origin, video, locale, tokenId } = claims;
    const decision = await getService(this.strapi, 'entitlement').decide({ origin, video, locale });
    if (!decision.allow) return new Refused(decision.reason, false);
    const salt = newSessionSalt();
    return this.store.insertOnce({
      tokenId,
      sessionHash: hashSessionId(deriveSessionId(this.keyring, tokenId, salt)),
      salt,
      origin,
      role: decision.role,
      video,
      locale,
      asset: decision.asset.id,
      client: this.request.client,
    });
  }

  /** One client at a time (S11, S12): the row as it is bound to the client who asks, or a refusal. */
  private async contest({ row, mayHandOver }: Found): Promise<SessionRow | Refused> {
    const sinceWritten = Math.max(0, Date.now() - row.last_seen_at);
    const verdict = judgeHandOver(
      {
        bound: clientOf(row),
        comer: this.request.client,
        idleMs: Math.min(sinceWritten, this.request.idleMs ?? sinceWritten),
        takeOvers: row.generation,
      },
      this.session,
    );
    if (verdict === 'same-client') return row;
    if (verdict === 'refuse' || !mayHandOver) return new Refused('client-mismatch', false);
    if (verdict === 'end-session') {
      await this.store.end(row.session_hash, 'too-many-take-overs');
      return new Refused('too-many-take-overs', true);
    }
    if (!(await this.store.takeOver(row, this.request.client))) return new Refused('client-mismatch', false);
    return (await this.store.findByHash(row.session_hash)) ?? new Refused('session-ended', true);
  }

  private async grant({ row, sessionId }: Found): Promise<IntrospectionResponse | Refused> {
    const decide = getService(this.strapi, 'entitlement').deliberation();
    const renewal = await renewSession(row, decide, { store: this.store, session: this.session });
    if (renewal.state === 'ended') return new Refused(renewal.reason, true);
    // The streamer asks again after a non-final no.
    if (renewal.state === 'void') return new Refused('session-ended', false);
    return { active: true, sessionId, grant: grantFor(row, renewal.allowance, this.session) };
  }
}
