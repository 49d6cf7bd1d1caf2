import { z } from 'zod';
import type { Protocol } from './protocols';

/** Made files with an address of their own, right below the credential. */
const PICTURES = {
  'poster.jpg': 'poster',
  'storyboard.vtt': 'storyboard',
  'storyboard.jpg': 'storyboard-sprite',
} as const;

const TRACK_ID = '[a-z0-9]{1,16}-[va][1-9][0-9]?';

/** `source-v1`: rendition, kind of track, number of the track of its kind. */
export const trackIdSchema = z.string().regex(new RegExp(`^${TRACK_ID}$`));

export type MediaKind = 'video' | 'audio';

/** Of a track id that `trackIdSchema` accepted. */
export function mediaKindOf(trackId: string): MediaKind {
  return trackId.includes('-v') ? 'video' : 'audio';
}

/** One thing that can be asked for under a credential. */
export type Resource =
  | { kind: 'multivariant-playlist' }
  | { kind: 'manifest' }
  | { kind: 'media-playlist'; track: string }
  | { kind: 'init-segment'; protocol: 'hls' | 'dash'; track: string }
  | { kind: 'segment'; protocol: 'hls' | 'dash'; track: string; number: number }
  /** The key of some segments of an encrypted session; keys are numbered from 1 in each track. */
  | { kind: 'segment-key'; track: string; number: number }
  | { kind: 'progressive' }
  | { kind: 'download' }
  | { kind: 'poster' }
  /** WebVTT that says which part of the sprite shows which time. */
  | { kind: 'storyboard' }
  | { kind: 'storyboard-sprite' }
  /** One address, two transports: which one it is, the connection tells and not the path. */
  | { kind: 'flv'; transport: 'http' | 'ws' }
  /** `documentId` of the video, as the stream name says it. */
  | { kind: 'rtmp'; video: string };

/** What has an address below `/v/{credential}/`. */
export type AddressedResource = Exclude<Resource, { kind: 'rtmp' }>;

export interface DeliveryUrl {
  /** A playback token or a session id; its shape is unchecked, and it may be empty. */
  credential: string;
  /** Null: the rest of the path names nothing. Whether it exists is for the gate to tell first. */
  resource: AddressedResource | null;
}

/** What nearly all requests ask for, read in one look. */
const SEGMENT_PATH = new RegExp(`^/v/([^/]*)/(hls|dash)/(${TRACK_ID})/([1-9][0-9]{0,6})\\.m4s$`);

const KEY_NAME = /^([1-9][0-9]{0,6})\.key$/;

/** Path of `resource` below `/v/{credential}/`. */
export function formatResource(resource: AddressedResource): string {
  switch (resource.kind) {
    case 'multivariant-playlist':
      return 'hls/main.m3u8';
    case 'manifest':
      return 'dash/manifest.mpd';
    case 'media-playlist':
      return `hls/${resource.track}/media.m3u8`;
    case 'init-segment':
      return `${resource.protocol}/${resource.track}/init.mp4`;
    case 'segment':
      return `${resource.protocol}/${resource.track}/${resource.number}.m4s`;
    case 'segment-key':
      return `hls/${resource.track}/key/${resource.number}.key`;
    case 'progressive':
      return 'mp4';
    case 'download':
      return 'download';
    case 'poster':
      return 'poster.jpg';
    case 'storyboard':
      return 'storyboard.vtt';
    case 'storyboard-sprite':
      return 'storyboard.jpg';
    case 'flv':
      return 'live.flv';
  }
}

export function formatDeliveryPath(credential: string, resource: AddressedResource): string {
  return `/v/${credential}/${formatResource(resource)}`;
}

function parseTrackResource(protocol: 'hls' | 'dash', track: string, name: string): AddressedResource | null {
  if (!trackIdSchema.safeParse(track).success) return null;
  if (name === 'init.mp4') return { kind: 'init-segment', protocol, track };
  return name === 'media.m3u8' && protocol === 'hls' ? { kind: 'media-playlist', track } : null;
}

function parseKey(track: string, name: string): AddressedResource | null {
  const [, number] = KEY_NAME.exec(name) ?? [];
  if (number === undefined || !trackIdSchema.safeParse(track).success) return null;
  return { kind: 'segment-key', track, number: Number(number) };
}

function parseSegmentPath(path: string): DeliveryUrl | null {
  const [, credential, protocol, track, number] = SEGMENT_PATH.exec(path) ?? [];
  if (credential === undefined || track === undefined) return null;
  return {
    credential,
    resource: { kind: 'segment', protocol: protocol === 'hls' ? 'hls' : 'dash', track, number: Number(number) },
  };
}

function isPicture(name: string | undefined): name is keyof typeof PICTURES {
  return name !== undefined && Object.hasOwn(PICTURES, name);
}

function parseResource(parts: string[]): AddressedResource | null {
  const [first, second, third, fourth] = parts;
  if (parts.length === 1 && isPicture(first)) return { kind: PICTURES[first] };
  if (parts.length === 1 && first === 'mp4') return { kind: 'progressive' };
  if (parts.length === 1 && first === 'download') return { kind: 'download' };
  if (parts.length === 1 && first === 'live.flv') return { kind: 'flv', transport: 'http' };
  if (parts.length === 2 && first === 'hls' && second === 'main.m3u8') return { kind: 'multivariant-playlist' };
  if (parts.length === 2 && first === 'dash' && second === 'manifest.mpd') return { kind: 'manifest' };
  if (parts.length === 3 && (first === 'hls' || first === 'dash') && second !== undefined && third !== undefined) {
    return parseTrackResource(first, second, third);
  }
  if (parts.length === 4 && first === 'hls' && second !== undefined && third === 'key' && fourth !== undefined) {
    return parseKey(second, fourth);
  }
  return null;
}

/**
 * Reads a raw request path (no query) by the grammar of the delivery addresses. Nothing is percent-decoded: no valid
 * address needs it, so an encoded one names nothing. Null: not below `/v/` at all.
 */
export function parseDeliveryPath(path: string): DeliveryUrl | null {
  const segment = parseSegmentPath(path);
  if (segment !== null) return segment;
  const parts = path.split('/');
  if (parts[0] !== '' || parts[1] !== 'v') return null;
  return { credential: parts[2] ?? '', resource: parseResource(parts.slice(3)) };
}

/** The protocol under which a resource is granted; null for what has a right of its own. */
export function protocolOf(resource: Resource): Protocol | null {
  switch (resource.kind) {
    case 'multivariant-playlist':
    case 'media-playlist':
    case 'segment-key':
      return 'hls';
    case 'manifest':
      return 'dash';
    case 'init-segment':
    case 'segment':
      return resource.protocol;
    case 'progressive':
      return 'mp4';
    case 'flv':
      return resource.transport === 'ws' ? 'ws-flv' : 'http-flv';
    case 'rtmp':
      return 'rtmp';
    case 'download':
    case 'poster':
    case 'storyboard':
    case 'storyboard-sprite':
      return null;
  }
}
