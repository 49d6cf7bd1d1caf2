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
import { type AuditFacts, factsOfSession } from './audit/event';
import type { Concurrency } from './entitlement/concurrency';
import { getService } from './get-service';
import type { PlaybackSessionService } from './playback-session';
import { grantFor, holdingFor } from './playback-session/grant';
import { judgeHandOver } from './playback-session/hand-over';
import { judgeSession } from './playback-session/judgement';
import { clientOf, type SessionRow } from './playback-session/row';

const MAX_ATTEMPTS = 3;

/** A session that the credential leads to, before anything was decided about the one who shows it. */
interface Found {
  row: SessionRow;
  sessionId: string;
  /** An expired token serves the client already bound and hands nothing over (S11). */
  mayHandOver: boolean;
}

/** Redemptions that this process is making now, by token id: a thousand at once cost one decision. */
type Redemptions = Map<string, Promise<SessionRow | Refused>>;

class Refused {
  constructor(
    readonly reason: DenyReason,
    readonly final: boolean,
  ) {}
}

/** A change came in between what was read and what was written. */
class Overtaken {}

/** The old client's streamer has not given way yet. */
class Pending {}

export interface IntrospectionService {
  introspect(request: IntrospectionRequest): Promise<IntrospectionResponse>;
}

/** Answers the streamer. Starts from "no": every path that is not a full yes ends in `{ active: false }`. */
export function createIntrospectionService({ strapi }: { strapi: Core.Strapi }): IntrospectionService {
  const redemptions: Redemptions = new Map();
  return {
    async introspect(request) {
      const inquiry = new Inquiry(strapi, request, redemptions);
      const outcome = await inquiry.run();
      if (outcome instanceof Pending) return { active: false, final: false, pending: true };
      if (!(outcome instanceof Refused)) return outcome;
      strapi.log.debug(`Introspection refused: ${outcome.reason}`);
      inquiry.audit(outcome);
      return { active: false, final: outcome.final };
    },
  };
}

class Inquiry {
  private readonly sessions: PlaybackSessionService;
  private readonly store;
  private readonly keyring: Keyring;
  private readonly session;
  /** Whom and what an authentic credential names, for the audit; null: nobody made it. */
  private about: AuditFacts | null = null;

  constructor(
    private readonly strapi: Core.Strapi,
    private readonly request: IntrospectionRequest,
    private readonly redemptions: Redemptions,
  ) {
    this.sessions = getService(strapi, 'playback-session');
    this.store = this.sessions.store;
    this.keyring = getService(strapi, 'keys').keyring();
    this.session = configOf(strapi).session;
  }

  async run(): Promise<IntrospectionResponse | Refused | Pending> {
    const { credential } = this.request;
    const isSessionId = sessionIdSchema.safeParse(credential).success;
    const found = await (isSessionId ? this.findBySessionId(credential) : this.findByToken(credential));
    if (found instanceof Refused) return found;
    for (let attempt = 1, { row } = found; ; attempt += 1) {
      const outcome = await this.answer({ ...found, row });
      if (!(outcome instanceof Overtaken)) return outcome;
      const now = await this.store.findByHash(row.session_hash);
      // The streamer asks again after a non-final no.
      if (!now || attempt === MAX_ATTEMPTS) return new Refused('session-ended', false);
      row = now;
    }
  }

  audit({ reason }: Refused): void {
    const audit = getService(this.strapi, 'audit');
    const { addressPrefix: clientPrefix } = this.request.client;
    if (this.about === null) audit.countUnknownCredential();
    else audit.record({ kind: 'refusal', ...this.about, reason, clientPrefix });
  }

  private async answer(found: Found): Promise<IntrospectionResponse | Refused | Pending | Overtaken> {
    if (found.row.state === 'ended') return new Refused('session-ended', true);
    const row = await this.contest(found);
    if (row instanceof Refused) return row;
    // Before the decision, which would be old after the wait.
    const { streamer } = this.request;
    const mayServe =
      row.generation === 0 || (await this.sessions.holders.othersGaveWay(row.session_hash, streamer, row.generation));
    return mayServe ? this.grant({ ...found, row }) : new Pending();
  }

  private async findBySessionId(sessionId: string): Promise<Found | Refused> {
    if (!hasValidTag(this.keyring, sessionId)) return new Refused('token-invalid', true);
    const row = await this.store.findByHash(hashSessionId(sessionId));
    if (!row) return new Refused('session-ended', true);
    this.about = factsOfSession(row);
    return { row, sessionId, mayHandOver: true };
  }

  private async findByToken(token: string): Promise<Found | Refused> {
    const verified = await verifyPlaybackToken(this.keyring, token).catch(() => null);
    if (!verified) return new Refused('token-invalid', true);
    const { claims, expired } = verified;
    this.about = { origin: claims.origin, video: claims.video, locale: claims.locale };
    const known = await this.store.findByTokenId(claims.tokenId);
    const row = known ?? (expired ? new Refused('token-expired', true) : await this.redeemOnce(claims));
    if (row instanceof Refused) return row;
    this.about = factsOfSession(row);
    return { row, sessionId: deriveSessionId(this.keyring, row.token_id, row.salt), mayHandOver: !expired };
  }

  /** Who shows the same token meanwhile finds the session of the first, and is compared with its client. */
  private redeemOnce(claims: PlaybackClaims): Promise<SessionRow | Refused> {
    const { tokenId } = claims;
    const running =
      this.redemptions.get(tokenId) ?? this.redeem(claims).finally(() => this.redemptions.delete(tokenId));
    this.redemptions.set(tokenId, running);
    return running;
  }

  /** Decides as the mint did, takes a slot, then inserts; the unique token id makes one redemption the first (S5, S9). */
  private async redeem(claims: PlaybackClaims): Promise<SessionRow | Refused> {
    const { origin, video, locale, tokenId } = claims;
    const decision = await getService(this.strapi, 'entitlement').decide({ origin, video, locale });
    if (!decision.allow) return new Refused(decision.reason, false);
    const { concurrency } = decision;
    // Not final: a slot may become free while the token is still good.
    if (!(await this.claimSlot(tokenId, concurrency))) return new Refused('concurrency-limit', false);
    const salt = newSessionSalt();
    const sessionHash = hashSessionId(deriveSessionId(this.keyring, tokenId, salt));
    const row = await this.store.insertOnce({
      tokenId,
      sessionHash,
      salt,
      origin,
      role: decision.role,
      video,
      locale,
      asset: decision.asset.id,
      client: this.request.client,
    });
    // Another redemption of the same token may have been the first.
    if (row.session_hash === sessionHash) {
      getService(this.strapi, 'audit').record({ kind: 'redemption', ...factsOfSession(row) });
    }
    return concurrency === null || (await this.hasKeptSlot(row)) ? row : new Refused('session-ended', true);
  }

  /** Held under the token's id: whoever redeems the same token meanwhile, on any node, shares the slot. */
  private async claimSlot(tokenId: string, concurrency: Concurrency | null): Promise<boolean> {
    return concurrency === null || this.sessions.claims.claim(tokenId, concurrency);
  }

  /** Another redemption takes the slot for abandoned where this one was held up; one of the two sees the other. */
  private async hasKeptSlot(row: SessionRow): Promise<boolean> {
    if (row.state === 'active' && (await this.sessions.slots.isHeld(row.token_id))) return true;
    await this.store.end(row.session_hash, 'slot-lost');
    return false;
  }

  /** One client at a time (S11, S12): the row as it is bound to the client who asks, or a refusal. */
  private async contest({ row, mayHandOver }: Found): Promise<SessionRow | Refused> {
    const bound = clientOf(row);
    const comer = this.request.client;
    const idleMs = bound.addressPrefix === comer.addressPrefix ? 0 : await this.idleMs(row);
    const verdict = judgeHandOver({ bound, comer, idleMs, takeOvers: row.generation }, this.session);
    if (verdict === 'same-client') return row;
    if (verdict === 'refuse' || !mayHandOver) return new Refused('client-mismatch', false);
    if (verdict === 'end-session') {
      await this.store.end(row.session_hash, 'too-many-take-overs');
      return new Refused('too-many-take-overs', true);
    }
    const isMine = await this.store.takeOver(row, comer);
    const now = isMine ? await this.store.findByHash(row.session_hash) : null;
    return now?.client_prefix === comer.addressPrefix ? now : new Refused('client-mismatch', false);
  }

  /** Since the bound client's last activity, as far as any streamer told any node. */
  private async idleMs(row: SessionRow): Promise<number> {
    const idleMs = (await this.sessions.idleTimes([row])).get(row.session_hash) ?? 0;
    return Math.min(idleMs, this.request.idleMs ?? idleMs);
  }

  private async grant({ row, sessionId }: Found): Promise<IntrospectionResponse | Refused | Overtaken> {
    const decide = getService(this.strapi, 'entitlement').deliberation();
    const judgement = await judgeSession(row, decide, this.session);
    const holder = { streamer: this.request.streamer, generation: row.generation, isActive: true };
    const holdings = judgement.outcome === 'renew' ? [holdingFor(row, holder, this.session)] : [];
    const [settled] = await this.store.settle([judgement], holdings);
    if (!settled) {
      for (const { id } of holdings) await this.sessions.holders.withdraw(id);
      return new Overtaken();
    }
    if (judgement.outcome === 'end') return new Refused(judgement.reason, true);
    return { active: true, sessionId, grant: grantFor(row, judgement.allowance, this.session) };
  }
}
