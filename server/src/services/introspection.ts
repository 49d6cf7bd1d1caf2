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
import { grantFor } from './playback-session/grant';
import { judgeHandOver } from './playback-session/hand-over';
import { judgeSession } from './playback-session/judgement';
import { clientOf, type SessionRow } from './playback-session/row';
import type { SessionStore } from './playback-session/store';
import type { UsageLedger } from './playback-session/usage-ledger';

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
  private readonly usage: UsageLedger;
  private readonly keyring: Keyring;
  private readonly session;

  constructor(
    private readonly strapi: Core.Strapi,
    private readonly request: IntrospectionRequest,
  ) {
    const sessions = getService(strapi, 'playback-session');
    this.store = sessions.store;
    this.usage = sessions.usage;
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
    const lastSeenAt = Math.max(row.last_seen_at, this.usage.lastSeenAt(row.session_hash) ?? 0);
    const idleMs = Math.max(0, Date.now() - lastSeenAt);
    const verdict = judgeHandOver(
      {
        bound: clientOf(row),
        comer: this.request.client,
        idleMs: Math.min(idleMs, this.request.idleMs ?? idleMs),
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
    const judgement = await judgeSession(row, decide, this.session);
    const [settled] = await this.store.settle([judgement]);
    // The streamer asks again after a non-final no.
    if (!settled) return new Refused('session-ended', false);
    if (judgement.outcome === 'end') return new Refused(judgement.reason, true);
    return { active: true, sessionId, grant: grantFor(row, judgement.allowance, this.session) };
  }
}
