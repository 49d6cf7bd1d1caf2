import type { Core } from '@strapi/strapi';
import { LRUCache } from 'lru-cache';
import { formatDeliveryPath, type PosterAnswer } from '../../contracts';
import { configOf } from '../config';
import { VodError } from '../errors';
import type { Origin } from '../tokens/playback-token';
import { mintPosterToken, type PosterClaims, verifyPosterToken } from '../tokens/poster-token';
import type { TokenKey } from '../tokens/token-key';
import { windowDenial } from './entitlement/availability';
import { assetIdOf, createVideoRows } from './entitlement/video-row';
import { getService } from './get-service';

/** An address is good until the end of the next window: 12 to 24 hours, and the same for all who ask within one. */
const WINDOW_MS = 12 * 3600 * 1000;
const MAX_SIGNED = 10_000;
/** How long a streamer may show it without asking again, at most: so long does a poster outlive its publication. */
const MAX_FRESH_SECONDS = 60;

export interface PostersService {
  /** Of the made poster of an entry; `base`: where viewers reach the streamer. */
  addressOf(claims: PosterClaims, base: string, signing: TokenKey): Promise<string>;
  /** Answers a streamer. Starts from no: not published, out of its window, or without a made poster. */
  find(credential: string): Promise<PosterAnswer>;
}

/** A draft's poster is shown to nobody: the credential names an entry, and no editor whose right could be looked up. */
export const mayShowPoster = (origin: Origin): boolean => origin.kind !== 'admin';

/** Made posters, shown under a credential of their own that names an entry and redeems nothing (DESIGN §5.3). */
export function createPostersService({ strapi }: { strapi: Core.Strapi }): PostersService {
  // Not longer than a lease, or a film that was moved meanwhile would lie under another name.
  const freshSeconds = Math.min(MAX_FRESH_SECONDS, configOf(strapi).session.leaseSeconds);
  const signed = new LRUCache<string, string>({ max: MAX_SIGNED });

  return {
    async addressOf(claims, base, signing) {
      const expiresAt = (Math.floor(Date.now() / WINDOW_MS) + 2) * WINDOW_MS;
      const name = JSON.stringify([signing.kid, claims.video, claims.locale, expiresAt]);
      const token = signed.get(name) ?? (await mintPosterToken(signing, claims, new Date(expiresAt)));
      signed.set(name, token);
      return base + formatDeliveryPath(token, { kind: 'poster' });
    },
    async find(credential) {
      const keys = await getService(strapi, 'keys').tokenKeys();
      const claims = await verifyPosterToken(keys.find, credential).catch((error: unknown) => {
        if (error instanceof VodError && error.code === 'token-invalid') return null;
        throw error;
      });
      if (claims === null) return { active: false };
      const video = await createVideoRows(strapi, 'published')(claims.video, claims.locale);
      if (!video || windowDenial(video, Date.now()) !== null) return { active: false };
      const assetId = assetIdOf(video);
      const asset = assetId === null ? null : await getService(strapi, 'asset').grantedAssets()(assetId);
      // Of a film that may not be delivered, no picture may be either.
      if (asset === null || 'unprepared' in asset || !asset.poster) return { active: false };
      return { active: true, poster: asset.poster, freshSeconds };
    },
  };
}
