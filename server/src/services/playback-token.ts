import type { Core } from '@strapi/strapi';
import { formatDeliveryPath, type PlaybackTokenAnswer, type PublicRefusal } from '../../contracts';
import { configOf } from '../config';
import { VodError } from '../errors';
import { mintPlaybackToken } from '../tokens/playback-token';
import { requesterOf, requesterPrefix, requesterRole } from './audit/requester';
import type { Allowance, Denial, Question } from './entitlement/decision';
import { getService } from './get-service';
import { playbackUrls, rtmpBaseUrl } from './playback-urls';
import { mayShowPoster } from './posters';
import { textAddresses } from './text-urls';

type Minted =
  | { allow: true; answer: PlaybackTokenAnswer }
  | { allow: false; refusal: PublicRefusal; reference: string };

/** Failures that an operator mends by configuration; the log says how. */
const UNCONFIGURED = ['secret-refused', 'not-configured'];

export function isUnconfigured(error: unknown): error is VodError {
  return error instanceof VodError && UNCONFIGURED.includes(error.code);
}

/** With the round of its tokens (`TokenRounds`) from before it was decided. */
type SignedQuestion = Question & { round: number };

export interface PlaybackTokenService {
  /**
   * Decides and signs; writes nothing. `requestOrigin` is where the caller reached Strapi, used when the site configured
   * no address. Throws `VodError` `secret-refused`.
   */
  mint(question: Question, requestOrigin: string): Promise<Minted>;
  /** Signs what was decided just now, and looks at nothing else. Throws as `mint` does. */
  sign(question: SignedQuestion, allowance: Allowance, requestOrigin: string): Promise<PlaybackTokenAnswer['data']>;
}

export function createPlaybackTokenService({ strapi }: { strapi: Core.Strapi }): PlaybackTokenService {
  const refused = (
    { origin, video, locale }: Question,
    { reason, rule, asset }: Pick<Denial, 'reason' | 'rule' | 'asset'>,
  ) => {
    strapi.log.debug(`Playback token refused: ${reason}`);
    // Not the named person's doing, but the token's that named them.
    const isAsker = reason === 'user-not-nameable' || reason === 'subject-not-nameable';
    const about = isAsker ? requesterOf(strapi) : origin;
    const role = origin.kind === 'subject' && !isAsker ? origin.role : requesterRole(strapi);
    const asked = { role, clientPrefix: requesterPrefix(strapi) };
    return getService(strapi, 'audit').record({
      kind: 'refusal',
      origin: about,
      video,
      locale,
      asset: asset ?? null,
      reason,
      rule,
      ...asked,
    });
  };

  async function sign(
    { origin, video, round }: SignedQuestion,
    allowance: Allowance,
    requestOrigin: string,
  ): Promise<PlaybackTokenAnswer['data']> {
    const { signing } = await getService(strapi, 'keys').tokenKeys();
    const { locale, protocols, asset } = allowance;
    const lifetimeSeconds = allowance.policy.tokenLifetimeSeconds;
    const claims = { video, locale, origin, protocols, round };
    const { token, expiresAt } = await mintPlaybackToken(signing, claims, lifetimeSeconds);
    const streamer = getService(strapi, 'streamer');
    const { publicUrl, host } = configOf(strapi).streamer.rtmp;
    const base = streamer.publicBaseUrl(requestOrigin);
    const addresses = {
      base,
      rtmpBase: rtmpBaseUrl({ publicUrl, host, port: streamer.rtmpPort(), requestOrigin }),
      video,
      token,
    };
    const isMade = allowance.posterUrl === null && asset.poster !== undefined && mayShowPoster(origin);
    const poster = isMade
      ? await getService(strapi, 'posters').addressOf({ video, locale }, base, signing)
      : allowance.posterUrl;
    return {
      token,
      expiresAt: expiresAt.toISOString(),
      expiresInSeconds: lifetimeSeconds,
      durationSeconds: asset.durationSeconds,
      urls: playbackUrls(addresses, allowance),
      poster,
      storyboard: asset.storyboard ? base + formatDeliveryPath(token, { kind: 'storyboard' }) : null,
      ...textAddresses(asset, (resource) => base + formatDeliveryPath(token, resource)),
    };
  }

  return {
    sign,
    async mint(asked, requestOrigin) {
      // Who is to sign is known before anybody is judged: a site without a key refuses nobody in particular.
      await getService(strapi, 'keys').tokenKeys();
      const { room, rounds } = getService(strapi, 'playback-session');
      // Both before the decision: what is told or ended meanwhile makes this token old.
      const question = { ...asked, origin: await getService(strapi, 'external-subjects').asOfNow(asked.origin) };
      const round = await rounds.current(question);
      const decision = await getService(strapi, 'entitlement').decide(question);
      if (!decision.allow) {
        return { allow: false, refusal: decision.refusal, reference: refused(question, decision) };
      }
      // Holds nothing: only redemption takes a slot (S9). Asked here because the streamer's refusal says no reason.
      const [shortage = null] = await room.lacking([decision]);
      if (shortage !== null) {
        return { allow: false, refusal: shortage.refusal, reference: refused(question, shortage) };
      }
      return { allow: true, answer: { data: await sign({ ...question, round }, decision, requestOrigin) } };
    },
  };
}
