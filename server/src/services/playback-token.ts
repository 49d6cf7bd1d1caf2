import type { Core } from '@strapi/strapi';
import {
  type AddressedResource,
  formatDeliveryPath,
  type PlaybackTokenAnswer,
  type PublicRefusal,
} from '../../contracts';
import { configOf } from '../config';
import { mintPlaybackToken } from '../tokens/playback-token';
import type { Allowance, Question } from './entitlement/decision';
import { getService } from './get-service';

type Minted = { allow: true; answer: PlaybackTokenAnswer } | { allow: false; refusal: PublicRefusal };

export interface PlaybackTokenService {
  /**
   * Decides and signs; writes nothing. `requestOrigin` is where the caller reached Strapi, used when the site configured
   * no address. Throws `VodError` `secret-refused`.
   */
  mint(question: Question, requestOrigin: string): Promise<Minted>;
}

function urlsOf(base: string, token: string, allowance: Allowance): PlaybackTokenAnswer['data']['urls'] {
  const url = (resource: AddressedResource) => base + formatDeliveryPath(token, resource);
  return {
    ...(allowance.protocols.includes('hls') && { hls: url({ kind: 'multivariant-playlist' }) }),
    ...(allowance.protocols.includes('dash') && { dash: url({ kind: 'manifest' }) }),
    ...(allowance.protocols.includes('mp4') && { mp4: url({ kind: 'progressive' }) }),
    ...(allowance.download && { download: url({ kind: 'download' }) }),
  };
}

export function createPlaybackTokenService({ strapi }: { strapi: Core.Strapi }): PlaybackTokenService {
  return {
    async mint(question, requestOrigin) {
      const keyring = getService(strapi, 'keys').keyring();
      const decision = await getService(strapi, 'entitlement').decide(question);
      if (!decision.allow) {
        strapi.log.debug(`Playback token refused: ${decision.reason}`);
        return { allow: false, refusal: decision.refusal };
      }
      const { lifetimeSeconds } = configOf(strapi).token;
      const { token, expiresAt } = await mintPlaybackToken(
        keyring,
        { video: question.video, locale: decision.locale, origin: question.origin, protocols: decision.protocols },
        lifetimeSeconds,
      );
      const base = getService(strapi, 'streamer').publicBaseUrl(requestOrigin);
      return {
        allow: true,
        answer: {
          data: {
            token,
            expiresAt: expiresAt.toISOString(),
            expiresInSeconds: lifetimeSeconds,
            durationSeconds: decision.asset.durationSeconds,
            urls: urlsOf(base, token, decision),
            poster: decision.posterUrl,
          },
        },
      };
    },
  };
}
