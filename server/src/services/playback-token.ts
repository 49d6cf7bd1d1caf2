import type { Core } from '@strapi/strapi';
import type { PlaybackTokenAnswer, PublicRefusal } from '../../contracts';
import { configOf } from '../config';
import { mintPlaybackToken } from '../tokens/playback-token';
import type { Question } from './entitlement/decision';
import { getService } from './get-service';
import { playbackUrls, rtmpBaseUrl } from './playback-urls';

type Minted = { allow: true; answer: PlaybackTokenAnswer } | { allow: false; refusal: PublicRefusal };

export interface PlaybackTokenService {
  /**
   * Decides and signs; writes nothing. `requestOrigin` is where the caller reached Strapi, used when the site configured
   * no address. Throws `VodError` `secret-refused`.
   */
  mint(question: Question, requestOrigin: string): Promise<Minted>;
}

export function createPlaybackTokenService({ strapi }: { strapi: Core.Strapi }): PlaybackTokenService {
  return {
    async mint(question, requestOrigin) {
      const { signing } = await getService(strapi, 'keys').tokenKeys();
      const decision = await getService(strapi, 'entitlement').decide(question);
      if (!decision.allow) {
        strapi.log.debug(`Playback token refused: ${decision.reason}`);
        return { allow: false, refusal: decision.refusal };
      }
      // Holds nothing: only redemption takes a slot (S9). Asked here because the streamer's refusal says no reason.
      const { claims, views } = getService(strapi, 'playback-session');
      if (decision.concurrency !== null && !(await claims.hasRoom(decision.concurrency))) {
        strapi.log.debug('Playback token refused: concurrency-limit');
        return { allow: false, refusal: 'too-many-sessions' };
      }
      if (decision.views !== null && !(await views.hasRoom(decision.views))) {
        strapi.log.debug('Playback token refused: view-limit');
        return { allow: false, refusal: 'too-many-views' };
      }
      const lifetimeSeconds = decision.policy.tokenLifetimeSeconds;
      const { token, expiresAt } = await mintPlaybackToken(
        signing,
        { video: question.video, locale: decision.locale, origin: question.origin, protocols: decision.protocols },
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
