import { mediaKindOf } from '../../../server/contracts';
import type { Accel } from '../edge/accel';
import type { PackagedSegment, Packager } from '../packager/packager';
import { createProgressiveHandler, type ProgressiveHandler } from '../progressive/handler';
import type { FlvHandler } from '../rtmp/flv-answer';
import type { Exchange } from './exchange';
import type { Pictures } from './pictures';
import { type PlaylistResource, playlistOf } from './playlists';
import { KEEP_PRIVATELY } from './security-headers';
import { type BufferAnswer, sendBuffer } from './send-buffer';
import type { Storage } from './storage-path';

export interface HandlerParts {
  packager: Packager;
  storage: Storage;
  pictures: Pictures;
  /** Seconds that one call of the packager took, cached or cut. */
  observePackaging(seconds: number): void;
  /** Null: no reverse proxy sends segments from the cache. */
  accel: Accel | null;
  flv: FlvHandler;
}

/** Answers an admitted request. False: there is no such thing in the asset; nothing has been sent. */
export type Handler = (exchange: Exchange) => Promise<boolean>;

type MediaResource = Extract<Exchange['resource'], { kind: 'init-segment' | 'segment' }>;

function toAnswer({ bytes, mime, etag, durationSeconds }: PackagedSegment, resource: MediaResource): BufferAnswer {
  const answer: BufferAnswer = { bytes, representation: { mime, etag, cacheControl: KEEP_PRIVATELY } };
  if (resource.kind === 'init-segment') return answer;
  const kind = mediaKindOf(resource.track);
  return { ...answer, media: { kind, durationSeconds } };
}

/** Which part of the streamer answers which resource. */
export function createHandler({ packager, storage, pictures, observePackaging, accel, flv }: HandlerParts): Handler {
  const progressive: ProgressiveHandler = createProgressiveHandler(storage);

  async function sendPlaylist(exchange: Exchange, resource: PlaylistResource): Promise<boolean> {
    const answer = playlistOf(await packager.presentation(exchange.session.asset), resource);
    if (answer !== null) sendBuffer(exchange, answer);
    return answer !== null;
  }

  async function sendSegment(exchange: Exchange, resource: MediaResource): Promise<boolean> {
    const { asset } = exchange.session;
    if (resource.kind === 'segment' && accel?.takes(exchange.request) && (await accel.send(exchange, resource))) {
      return true;
    }
    const startedAt = performance.now();
    const segment =
      resource.kind === 'segment'
        ? await packager.segment(asset, resource.track, resource.number)
        : await packager.initSegment(asset, resource.track);
    observePackaging((performance.now() - startedAt) / 1000);
    // Cutting takes time; the session may have ended meanwhile.
    if (segment !== null && exchange.session.mayContinue()) sendBuffer(exchange, toAnswer(segment, resource));
    return segment !== null;
  }

  return (exchange) => {
    const { resource } = exchange;
    switch (resource.kind) {
      case 'multivariant-playlist':
      case 'media-playlist':
      case 'manifest':
        return sendPlaylist(exchange, resource);
      case 'init-segment':
      case 'segment':
        return sendSegment(exchange, resource);
      case 'progressive':
      case 'download':
        return progressive(exchange, resource.kind);
      case 'poster':
      case 'storyboard':
      case 'storyboard-sprite':
        return pictures.answer(exchange, resource.kind);
      case 'flv':
        return flv(exchange);
      case 'rtmp':
        return Promise.resolve(false);
    }
  };
}
