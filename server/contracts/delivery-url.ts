import { z } from 'zod';
import type { Protocol } from './protocols';
import { textTrackIdSchema } from './text-tracks';

/** Made files with an address of their own, right below the credential. */
const MADE_FILES = {
  'poster.jpg': 'poster',
  'storyboard.vtt': 'storyboard',
  'storyboard.jpg': 'storyboard-sprite',
  'chapters.vtt': 'chapters',
  'waveform.json': 'waveform',
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
  /** The chapters that are the default: WebVTT, as `text` has them. */
  | { kind: 'chapters' }
  /** Peaks of a film without a picture, as JSON. */
  | { kind: 'waveform' }
  /** A text track as one WebVTT file. */
  | { kind: 'text'; text: string }
  /** The same in HLS: a media playlist, and segments numbered from 1. */
  | { kind: 'text-playlist'; text: string }
  | { kind: 'text-segment'; text: string; number: number }
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
const TEXT_NAME = /^([a-z0-9]{1,16})\.vtt$/;
const TEXT_SEGMENT_NAME = /^([1-9][0-9]{0,6})\.vtt$/;

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
    case 'chapters':
      return 'chapters.vtt';
    case 'waveform':
      return 'waveform.json';
    case 'text':
      return `text/${resource.text}.vtt`;
    case 'text-playlist':
      return `hls/text/${resource.text}/media.m3u8`;
    case 'text-segment':
      return `hls/text/${resource.text}/${resource.number}.vtt`;
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

function parseText(name: string): AddressedResource | null {
  const [, text] = TEXT_NAME.exec(name) ?? [];
  return text === undefined ? null : { kind: 'text', text };
}

function parseTextOfHls(text: string, name: string): AddressedResource | null {
  if (!textTrackIdSchema.safeParse(text).success) return null;
  if (name === 'media.m3u8') return { kind: 'text-playlist', text };
  const [, number] = TEXT_SEGMENT_NAME.exec(name) ?? [];
  return number === undefined ? null : { kind: 'text-segment', text, number: Number(number) };
}

function parseSegmentPath(path: string): DeliveryUrl | null {
  const [, credential, protocol, track, number] = SEGMENT_PATH.exec(path) ?? [];
  if (credential === undefined || track === undefined) return null;
  return {
    credential,
    resource: { kind: 'segment', protocol: protocol === 'hls' ? 'hls' : 'dash', track, number: Number(number) },
  };
}

function isMadeFile(name: string | undefined): name is keyof typeof MADE_FILES {
  return name !== undefined && Object.hasOwn(MADE_FILES, name);
}

/** With four parts below the credential. */
function parseDeep([first, second = '', third = '', fourth = '']: string[]): AddressedResource | null {
  if (first !== 'hls') return null;
  if (second === 'text') return parseTextOfHls(third, fourth);
  return third === 'key' ? parseKey(second, fourth) : null;
}

function parseResource(parts: string[]): AddressedResource | null {
  const [first, second, third] = parts;
  if (parts.length === 1 && isMadeFile(first)) return { kind: MADE_FILES[first] };
  if (parts.length === 1 && first === 'mp4') return { kind: 'progressive' };
  if (parts.length === 1 && first === 'download') return { kind: 'download' };
  if (parts.length === 1 && first === 'live.flv') return { kind: 'flv', transport: 'http' };
  if (parts.length === 2 && first === 'hls' && second === 'main.m3u8') return { kind: 'multivariant-playlist' };
  if (parts.length === 2 && first === 'dash' && second === 'manifest.mpd') return { kind: 'manifest' };
  if (parts.length === 2 && first === 'text' && second !== undefined) return parseText(second);
  if (parts.length === 3 && (first === 'hls' || first === 'dash') && second !== undefined && third !== undefined) {
    return parseTrackResource(first, second, third);
  }
  return parts.length === 4 ? parseDeep(parts) : null;
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
    case 'text-playlist':
    case 'text-segment':
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
    case 'chapters':
    case 'waveform':
    case 'text':
      return null;
  }
}
