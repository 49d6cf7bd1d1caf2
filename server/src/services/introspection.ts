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
import { deriveSessionId, hashSessionId, hasValidTag, newSessionSalt, sessionIdOf } from '../tokens/session-id';
import { type AuditFacts, factsOfSession } from './audit/event';
import type { Allowance, RuleDenial } from './entitlement/decision';
import { getService } from './get-service';
import type { PlaybackSessionService } from './playback-session';
import { grantFor, holdingFor } from './playback-session/grant';
import { judgeHandOver } from './playback-session/hand-over';
import { judgeRoom, judgeSession, questionOf } from './playback-session/judgement';
import type { Silence } from './playback-session/lifetime';
import { clientOf, type SessionRow } from './playback-session/row';

const MAX_ATTEMPTS = 3;

/** A session that the credential leads to, before anything was decided about the one who shows it. */
interface Found {
  row: SessionRow;
  sessionId: string;
  /** Before this request. */
  silence: Silence;
  /** An expired token serves the client already bound and hands nothing over (S11). */
  mayHandOver: boolean;
}

/** Redemptions that this process is making now, by token id: a thousand at once cost one decision. */
type Redemptions = Map<string, Promise<SessionRow | Refused | Limited>>;

class Refused {
  constructor(
    readonly reason: DenyReason,
    readonly final: boolean,
    /** Which rule said so, where it was one. */
    readonly rule?: RuleDenial,
  ) {}
}

/** A change came in between what was read and what was written. */
class Overtaken {}

/** The old client's streamer has not given way yet. */
class Pending {}

/** Nothing was decided. */
class Limited {
  constructor(readonly retryAfterSeconds: number) {}
}

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
      if (outcome instanceof Limited) {
        inquiry.auditLimit();
        return { active: false, final: false, retryAfterSeconds: outcome.retryAfterSeconds };
      }
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
  /** The first signs; sessions that began under the others go on. */
  private readonly keyrings: readonly [Keyring, ...Keyring[]];
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
    this.keyrings = getService(strapi, 'keys').accepted();
    this.session = configOf(strapi).session;
  }

  async run(): Promise<IntrospectionResponse | Refused | Pending | Limited> {
    const { credential } = this.request;
    const isSessionId = sessionIdSchema.safeParse(credential).success;
    const found = await (isSessionId ? this.findBySessionId(credential) : this.findByToken(credential));
    if (found instanceof Refused || found instanceof Limited) return found;
    for (let attempt = 1, { row } = found; ; attempt += 1) {
      const outcome = await this.answer({ ...found, row });
      if (!(outcome instanceof Overtaken)) return outcome;
      const now = await this.store.findByHash(row.session_hash);
      // The streamer asks again after a non-final no.
      if (!now || attempt === MAX_ATTEMPTS) return new Refused('session-ended', false);
      row = now;
    }
  }

  audit({ reason, rule }: Refused): void {
    const audit = getService(this.strapi, 'audit');
    const { addressPrefix: clientPrefix } = this.request.client;
    if (this.about === null) audit.countUnknownCredential();
    else audit.record({ kind: 'refusal', ...this.about, reason, rule, clientPrefix });
  }

  auditLimit(): void {
    const { addressPrefix: clientPrefix } = this.request.client;
    // Nobody has looked whether the user is still there, and one row tells of all videos: see `RefusalWindows`.
    const kind = this.about?.origin?.kind ?? 'public';
    getService(this.strapi, 'audit').record({
      kind: 'refusal',
      origin: { kind },
      reason: 'rate-limited',
      clientPrefix,
    });
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
    if (!this.keyrings.some((keyring) => hasValidTag(keyring, sessionId))) return new Refused('token-invalid', true);
    const row = await this.store.findByHash(hashSessionId(sessionId));
    if (!row) return new Refused('session-ended', true);
    this.about = factsOfSession(row);
    return this.found(row, sessionId, true);
  }

  private async findByToken(token: string): Promise<Found | Refused | Limited> {
    const { find } = await getService(this.strapi, 'keys').tokenKeys();
    const verified = await verifyPlaybackToken(find, token).catch(() => null);
    if (!verified) return new Refused('token-invalid', true);
    const { claims, expired } = verified;
    this.about = { origin: claims.origin, video: claims.video, locale: claims.locale };
    const known = await this.store.findByTokenId(claims.tokenId);
    const row = known ?? (expired ? new Refused('token-expired', true) : await this.redeemOnce(claims));
    if (row instanceof Refused || row instanceof Limited) return row;
    this.about = factsOfSession(row);
    const { token_id: tokenId, salt, session_hash: hash } = row;
    const sessionId = sessionIdOf(this.keyrings, { tokenId, salt, hash });
    return sessionId === null ? new Refused('session-ended', true) : this.found(row, sessionId, !expired);
  }

  /** Its silence is looked up once: what follows, a hand-over above all, is activity. */
  private found(row: SessionRow, sessionId: string, mayHandOver: boolean): Found {
    let known: Promise<number> | undefined;
    const ms = () => {
      known ??= this.idleMs(row);
      return known;
    };
    return { row, sessionId, silence: { since: row.last_seen_at, ms }, mayHandOver };
  }

  /** Who shows the same token meanwhile finds the session of the first, and is compared with its client. */
  private redeemOnce(claims: PlaybackClaims): Promise<SessionRow | Refused | Limited> {
    const { tokenId } = claims;
    const running =
      this.redemptions.get(tokenId) ?? this.redeem(claims).finally(() => this.redemptions.delete(tokenId));
    this.redemptions.set(tokenId, running);
    return running;
  }

  /** Decides as the mint did, takes a slot, then inserts; the unique token id makes one redemption the first (S5, S9). */
  private async redeem(claims: PlaybackClaims): Promise<SessionRow | Refused | Limited> {
    const { origin, video, locale, tokenId } = claims;
    const rate = getService(this.strapi, 'rate-limits').redeem(origin, this.request.client.addressPrefix);
    if (rate.limited) return new Limited(rate.retryAfterSeconds);
    const decision = await getService(this.strapi, 'entitlement').decide({ origin, video, locale });
    if (!decision.allow) return new Refused(decision.reason, false, decision.rule);
    if (await this.isRevoked(claims)) return new Refused('token-revoked', true);
    const shortage = await this.claimRoom(tokenId, decision);
    // Not final: there may be room again while the token is still good.
    if (shortage !== null) return new Refused(shortage, false);
    const row = await this.open(claims, decision);
    // Who revoked it meanwhile has found no row to end, or this finds out.
    if (await this.isRevoked(claims)) return this.close(row, 'token-revoked');
    if (decision.concurrency === null || (await this.hasKeptSlot(row))) return row;
    return this.close(row, 'slot-lost');
  }

  /** All sessions of its user or video were ended after it was minted. */
  private async isRevoked(claims: PlaybackClaims): Promise<boolean> {
    return (await this.sessions.rounds.current(claims)) !== claims.round;
  }

  /** The session of this token: a new one, unless another redemption was the first. */
  private async open(
    { origin, video, locale, tokenId }: PlaybackClaims,
    { role, asset }: Allowance,
  ): Promise<SessionRow> {
    const salt = newSessionSalt();
    const sessionHash = hashSessionId(deriveSessionId(this.keyrings[0], tokenId, salt));
    const { client } = this.request;
    const opening = this.store.insertOnce({
      tokenId,
      sessionHash,
      salt,
      origin,
      role,
      video,
      locale,
      asset: asset.id,
      client,
    });
    const row = await opening.catch(async (error: unknown) => {
      await this.giveViewBack(tokenId).catch(() => undefined);
      throw error;
    });
    if (row.session_hash !== sessionHash) return row;
    const opened = await this.onCurrentFilm(row);
    getService(this.strapi, 'audit').record({ kind: 'redemption', ...factsOfSession(opened) });
    return opened;
  }

  /** Who replaced the film meanwhile has found no session to wait for, or this finds out. What is decided anew may end it. */
  private async onCurrentFilm(row: SessionRow): Promise<SessionRow> {
    if ((await getService(this.strapi, 'asset').stateOf(row.asset)) === 'ready') return row;
    const { asset: _replaced, ...question } = questionOf(row);
    const decision = await getService(this.strapi, 'entitlement').decide(question);
    if (!decision.allow || !(await this.store.rebind(row, decision.asset.id))) return row;
    return { ...row, asset: decision.asset.id };
  }

  /** The row may have been kept before the failure; where that cannot be told, whoever shows the token again has its view. */
  private async giveViewBack(tokenId: string): Promise<void> {
    if ((await this.store.findByTokenId(tokenId)) === null) await this.sessions.views.release(tokenId);
  }

  private async close(row: SessionRow, reason: string): Promise<Refused> {
    await this.store.end(row.session_hash, reason);
    await this.sessions.views.release(row.token_id);
    return new Refused('session-ended', true);
  }

  /**
   * A slot and a view, where they are limited; null: both are there. Held under the token's id: whoever redeems the same
   * token meanwhile, on any node, shares them. The slot first, because it comes back where there is no view.
   */
  private async claimRoom(tokenId: string, { concurrency, views }: Allowance): Promise<DenyReason | null> {
    const { claims, slots, room } = this.sessions;
    // Taking a slot may end another session: not for one that would find no view.
    const [shortage = null] = await room.lacking([{ concurrency: null, views, tokenId }]);
    if (shortage !== null) return shortage.reason;
    if (concurrency !== null && !(await claims.claim(tokenId, concurrency))) return 'concurrency-limit';
    if (views === null || (await this.sessions.views.claim(tokenId, views))) return null;
    await slots.release([tokenId]);
    return views.usedUp.reason;
  }

  /** Another redemption takes the slot for abandoned where this one was held up; one of the two sees the other. */
  private async hasKeptSlot({ state, token_id: tokenId }: SessionRow): Promise<boolean> {
    return state === 'active' && (await this.sessions.slots.isHeld(tokenId));
  }

  /** One client at a time (S11, S12): the row as it is bound to the client who asks, or a refusal. */
  private async contest({ row, mayHandOver }: Found): Promise<SessionRow | Refused> {
    const bound = clientOf(row);
    const comer = this.request.client;
    if (bound.addressPrefix === comer.addressPrefix) return row;
    const decision = await getService(this.strapi, 'entitlement').decide(questionOf(row));
    // What is no longer allowed is not handed over.
    const binding = decision.allow ? decision.policy.clientBinding : 'address-prefix';
    const contest = { bound, comer, idleMs: await this.idleMs(row), takeOvers: row.generation };
    const verdict = judgeHandOver(contest, { ...this.session, binding });
    // S11: an expired token serves the bound client alone, whatever the policy.
    if (verdict === 'same-client' && mayHandOver) return row;
    if (verdict === 'refuse' || !mayHandOver) return new Refused('client-mismatch', false);
    if (verdict === 'end-session') {
      await this.store.end(row.session_hash, 'too-many-take-overs');
      return new Refused('too-many-take-overs', true);
    }
    const isMine = await this.store.takeOver(row, comer);
    if (isMine) this.auditTakeOver(row);
    const now = isMine ? await this.store.findByHash(row.session_hash) : null;
    return now?.client_prefix === comer.addressPrefix ? now : new Refused('client-mismatch', false);
  }

  private auditTakeOver(before: SessionRow): void {
    const { addressPrefix: clientPrefix, agent } = this.request.client;
    const reason = before.client_agent === agent ? 'client-moved' : 'client-silent';
    const facts = factsOfSession(before);
    getService(this.strapi, 'audit').record({ kind: 'take-over', ...facts, reason, clientPrefix });
  }

  /** Since the bound client's last activity, as far as any streamer told any node. */
  private async idleMs(row: SessionRow): Promise<number> {
    const idleMs = (await this.sessions.idleTimes([row])).get(row.session_hash) ?? 0;
    return Math.min(idleMs, this.request.idleMs ?? idleMs);
  }

  private async grant({ row, sessionId, silence }: Found): Promise<IntrospectionResponse | Refused | Overtaken> {
    const decide = getService(this.strapi, 'entitlement').deliberation();
    const decided = await judgeSession(row, { decide, session: this.session, silence });
    const [judgement = decided] = await judgeRoom([decided], this.sessions.claims);
    const holder = { streamer: this.request.streamer, generation: row.generation, isActive: true };
    const holdings = judgement.outcome === 'renew' ? [holdingFor(row, holder, this.session)] : [];
    const [settled] = await this.store.settle([judgement], holdings);
    if (!settled) {
      for (const { id } of holdings) await this.sessions.holders.withdraw(id);
      return new Overtaken();
    }
    if (judgement.outcome === 'end') return new Refused(judgement.reason, true, judgement.rule);
    const parts = { config: configOf(this.strapi), keyrings: this.keyrings };
    return { active: true, sessionId, grant: grantFor(row, judgement.allowance, parts) };
  }
}
