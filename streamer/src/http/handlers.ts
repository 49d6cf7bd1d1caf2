import { mediaKindOf } from '../../../server/contracts';
import type { PlaybackSession } from '../access/gate';
import type { Accel } from '../edge/accel';
import { type TrackKeys, trackKeys } from '../hls/segment-keys';
import { listedTexts } from '../packager/listed-text';
import type { PackagedSegment, Packager } from '../packager/packager';
import { createProgressiveHandler, type ProgressiveHandler } from '../progressive/handler';
import type { FlvHandler } from '../rtmp/flv-answer';
import type { Exchange } from './exchange';
import type { Pictures } from './pictures';
import { type PlaylistResource, playlistOf } from './playlists';
import { KEEP_PRIVATELY } from './security-headers';
import { keyAnswerOf } from './segment-key';
import { type BufferAnswer, sendBuffer } from './send-buffer';
import { sendEncrypted } from './send-encrypted';
import type { Storage } from './storage-path';
import { createTexts } from './texts';

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
type KeyResource = Extract<Exchange['resource'], { kind: 'segment-key' }>;

function keysOf({ hlsEncryption, asset }: PlaybackSession, track: string): TrackKeys | null {
  return hlsEncryption === null ? null : trackKeys(hlsEncryption, asset, track);
}

async function sendPackaged(exchange: Exchange, resource: MediaResource, segment: PackagedSegment): Promise<void> {
  const { bytes, mime, etag, durationSeconds } = segment;
  const answer: BufferAnswer = { bytes, representation: { mime, etag, cacheControl: KEEP_PRIVATELY } };
  if (resource.kind === 'init-segment') {
    sendBuffer(exchange, answer);
    return;
  }
  const clear = { ...answer, media: { kind: mediaKindOf(resource.track), durationSeconds } };
  const keys = resource.protocol === 'hls' ? keysOf(exchange.session, resource.track) : null;
  if (keys === null) sendBuffer(exchange, clear);
  else await sendEncrypted(exchange, { clear, key: keys.key(keys.keyNumberOf(resource.number)) });
}

/** Which part of the streamer answers which resource. */
export function createHandler({ packager, storage, pictures, observePackaging, accel, flv }: HandlerParts): Handler {
  const progressive: ProgressiveHandler = createProgressiveHandler(storage);
  const texts = createTexts({ storage, packager });

  async function sendPlaylist(exchange: Exchange, resource: PlaylistResource): Promise<boolean> {
    const { session } = exchange;
    const keys = resource.kind === 'media-playlist' ? keysOf(session, resource.track) : null;
    const answer = playlistOf({
      presentation: await packager.presentation(session.asset),
      texts: listedTexts(session.asset),
      resource,
      keys,
    });
    if (answer !== null) sendBuffer(exchange, answer);
    return answer !== null;
  }

  async function sendKey(exchange: Exchange, { track, number }: KeyResource): Promise<boolean> {
    const { session } = exchange;
    const keys = keysOf(session, track);
    if (keys === null) return false;
    const answer = keyAnswerOf(await packager.presentation(session.asset), { track, number }, keys);
    if (answer !== null && session.mayContinue()) sendBuffer(exchange, answer);
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
    if (segment !== null && exchange.session.mayContinue()) await sendPackaged(exchange, resource, segment);
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
      case 'segment-key':
        return sendKey(exchange, resource);
      case 'progressive':
      case 'download':
        return progressive(exchange, resource.kind);
      case 'poster':
      case 'storyboard':
      case 'storyboard-sprite':
      case 'waveform':
        return pictures.answer(exchange, resource.kind);
      case 'text':
      case 'chapters':
      case 'text-playlist':
      case 'text-segment':
        return texts.answer(exchange, resource);
      case 'flv':
        return flv(exchange);
      case 'rtmp':
        return Promise.resolve(false);
    }
  };
}
