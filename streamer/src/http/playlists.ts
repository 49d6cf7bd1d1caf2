import { createHash } from 'node:crypto';
import type { Resource } from '../../../server/contracts';
import { formatManifest } from '../dash/manifest';
import { formatMediaPlaylist } from '../hls/media-playlist';
import { formatMultivariantPlaylist } from '../hls/multivariant-playlist';
import type { TrackKeys } from '../hls/segment-keys';
import type { ListedText } from '../packager/listed-text';
import type { Presentation } from '../packager/presentation';
import { NO_STORE } from './security-headers';
import type { BufferAnswer } from './send-buffer';

export const HLS_MIME = 'application/vnd.apple.mpegurl'; // RFC 8216 §4
const DASH_MIME = 'application/dash+xml';

export type PlaylistResource = Extract<Resource, { kind: 'multivariant-playlist' | 'media-playlist' | 'manifest' }>;

export interface PlaylistQuestion {
  presentation: Presentation;
  /** Of the same film. */
  texts: readonly ListedText[];
  resource: PlaylistResource;
  /** With which the segments of a media playlist are encrypted; null: they are not. */
  keys: TrackKeys | null;
}

// Built once per presentation and dropped with it. What names keys is of one session, and is not kept.
const built = new WeakMap<Presentation, Map<string, BufferAnswer>>();

function format({ presentation, texts, resource, keys }: PlaylistQuestion): string | null {
  switch (resource.kind) {
    case 'multivariant-playlist':
      return formatMultivariantPlaylist(presentation, texts);
    case 'manifest':
      return formatManifest(presentation, texts);
    case 'media-playlist': {
      const track = presentation.tracks.find(({ id }) => id === resource.track);
      return track === undefined ? null : formatMediaPlaylist(track, keys);
    }
  }
}

/** A text that no cache may keep. */
export function toAnswer(text: string, mime: string): BufferAnswer {
  const bytes = Buffer.from(text, 'utf8');
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  return { bytes, representation: { mime, etag, cacheControl: NO_STORE } };
}

function build(question: PlaylistQuestion): BufferAnswer | null {
  const text = format(question);
  return text === null ? null : toAnswer(text, question.resource.kind === 'manifest' ? DASH_MIME : HLS_MIME);
}

/** Texts come and go while the film stays the same: what names them is kept under what it says of them. */
function keyOf({ resource, texts }: PlaylistQuestion): string {
  if (resource.kind === 'media-playlist') return resource.track;
  return texts.length === 0 ? resource.kind : JSON.stringify([resource.kind, texts]);
}

/** What was said of texts that are no more is not kept for long. */
const MAX_KEPT = 256;

/** The playlist or manifest as bytes; null: the presentation has no such track. */
export function playlistOf(question: PlaylistQuestion): BufferAnswer | null {
  if (question.keys !== null) return build(question);
  const { presentation } = question;
  const answers = built.get(presentation) ?? new Map<string, BufferAnswer>();
  built.set(presentation, answers);
  const key = keyOf(question);
  const known = answers.get(key);
  if (known !== undefined) return known;
  const answer = build(question);
  if (answers.size >= MAX_KEPT) answers.clear();
  if (answer !== null) answers.set(key, answer);
  return answer;
}
