import { createHash } from 'node:crypto';
import type { Resource } from '../../../server/contracts';
import { formatManifest } from '../dash/manifest';
import { formatMediaPlaylist } from '../hls/media-playlist';
import { formatMultivariantPlaylist } from '../hls/multivariant-playlist';
import type { TrackKeys } from '../hls/segment-keys';
import type { Presentation } from '../packager/presentation';
import { NO_STORE } from './security-headers';
import type { BufferAnswer } from './send-buffer';

const HLS_MIME = 'application/vnd.apple.mpegurl'; // RFC 8216 §4
const DASH_MIME = 'application/dash+xml';

export type PlaylistResource = Extract<Resource, { kind: 'multivariant-playlist' | 'media-playlist' | 'manifest' }>;

// Built once per presentation and dropped with it. What names keys is of one session, and is not kept.
const built = new WeakMap<Presentation, Map<string, BufferAnswer>>();

function format(presentation: Presentation, resource: PlaylistResource, keys: TrackKeys | null): string | null {
  switch (resource.kind) {
    case 'multivariant-playlist':
      return formatMultivariantPlaylist(presentation);
    case 'manifest':
      return formatManifest(presentation);
    case 'media-playlist': {
      const track = presentation.tracks.find(({ id }) => id === resource.track);
      return track === undefined ? null : formatMediaPlaylist(track, keys);
    }
  }
}

function toAnswer(text: string, mime: string): BufferAnswer {
  const bytes = Buffer.from(text, 'utf8');
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  return { bytes, representation: { mime, etag, cacheControl: NO_STORE } };
}

function build(presentation: Presentation, resource: PlaylistResource, keys: TrackKeys | null): BufferAnswer | null {
  const text = format(presentation, resource, keys);
  return text === null ? null : toAnswer(text, resource.kind === 'manifest' ? DASH_MIME : HLS_MIME);
}

/** The playlist or manifest as bytes; null: the presentation has no such track. `keys`: a media playlist's segments have them. */
export function playlistOf(
  presentation: Presentation,
  resource: PlaylistResource,
  keys: TrackKeys | null,
): BufferAnswer | null {
  if (keys !== null) return build(presentation, resource, keys);
  const answers = built.get(presentation) ?? new Map<string, BufferAnswer>();
  built.set(presentation, answers);
  const key = resource.kind === 'media-playlist' ? resource.track : resource.kind;
  const known = answers.get(key);
  if (known !== undefined) return known;
  const answer = build(presentation, resource, null);
  if (answer !== null) answers.set(key, answer);
  return answer;
}
