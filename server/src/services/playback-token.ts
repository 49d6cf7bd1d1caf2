import type { Core } from '@strapi/strapi';
import type { DenyReason, PlaybackTokenAnswer, PublicRefusal } from '../../contracts';
import { configOf } from '../config';
import { mintPlaybackToken } from '../tokens/playback-token';
import { requesterOf, requesterPrefix, requesterRole } from './audit/requester';
import type { Question, RuleDenial } from './entitlement/decision';
import { getService } from './get-service';
import { playbackUrls, rtmpBaseUrl } from './playback-urls';

type Minted =
  | { allow: true; answer: PlaybackTokenAnswer }
  | { allow: false; refusal: PublicRefusal; reference: string };

export interface PlaybackTokenService {
  /**
   * Decides and signs; writes nothing. `requestOrigin` is where the caller reached Strapi, used when the site configured
   * no address. Throws `VodError` `secret-refused`.
   */
  mint(question: Question, requestOrigin: string): Promise<Minted>;
}

export function createPlaybackTokenService({ strapi }: { strapi: Core.Strapi }): PlaybackTokenService {
  const refused = ({ origin, video, locale }: Question, reason: DenyReason, rule?: RuleDenial) => {
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
      reason,
      rule,
      ...asked,
    });
  };
  return {
    async mint(asked, requestOrigin) {
      const { signing } = await getService(strapi, 'keys').tokenKeys();
      // Before the decision: what is told meanwhile makes the token old.
      const question = { ...asked, origin: await getService(strapi, 'external-subjects').asOfNow(asked.origin) };
      const { claims, views, rounds } = getService(strapi, 'playback-session');
      // Before the decision: what is ended meanwhile takes this token back too.
      const round = await rounds.current(question);
      const decision = await getService(strapi, 'entitlement').decide(question);
      if (!decision.allow) {
        return {
          allow: false,
          refusal: decision.refusal,
          reference: refused(question, decision.reason, decision.rule),
        };
      }
      // Holds nothing: only redemption takes a slot (S9). Asked here because the streamer's refusal says no reason.
      if (decision.concurrency !== null && !(await claims.hasRoom(decision.concurrency))) {
        return { allow: false, refusal: 'too-many-sessions', reference: refused(question, 'concurrency-limit') };
      }
      if (decision.views !== null && !(await views.hasRoom(decision.views))) {
        const { refusal, reason } = decision.views.usedUp;
        return { allow: false, refusal, reference: refused(question, reason) };
      }
      const lifetimeSeconds = decision.policy.tokenLifetimeSeconds;
      const { token, expiresAt } = await mintPlaybackToken(
        signing,
        {
          video: question.video,
          locale: decision.locale,
          origin: question.origin,
          protocols: decision.protocols,
          round,
        },
        lifetimeSeconds,
      );
      const streamer = getService(strapi, 'streamer');
      const { publicUrl, host } = configOf(strapi).streamer.rtmp;
      const addresses = {
        base: streamer.publicBaseUrl(requestOrigin),
        rtmpBase: rtmpBaseUrl({ publicUrl, host, port: streamer.rtmpPort(), requestOrigin }),
        video: question.video,
        token,
      };
      return {
        allow: true,
        answer: {
          data: {
            token,
            expiresAt: expiresAt.toISOString(),
            expiresInSeconds: lifetimeSeconds,
            durationSeconds: decision.asset.durationSeconds,
            urls: playbackUrls(addresses, decision),
            poster: decision.posterUrl,
          },
        },
      };
    },
  };
}
