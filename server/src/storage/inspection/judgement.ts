import { type Judgement, TRANSCODE_REASONS, type VerdictReason } from '../../../contracts';
import { findHiddenPart } from './hidden-part';
import type { Movie } from './movie-tables';
import { shownName } from './refusal';
import type { SurveyedTrack } from './survey';
import type { UnreadStream } from './transport-stream';

/** Every segment begins with a key picture, and players wait for whole segments. */
const SPARSE_SECONDS = 10;

const EXPORT = 'Or export it as MP4 (H.264, AAC) and upload that.';
const KEPT = 'It is kept, and cannot be watched before it has been converted.';

const SENTENCES: Record<VerdictReason, (name: string, detail: string) => string> = {
  'plays-everywhere': (name) => `“${name}” can be watched now.`,
  'codec-not-everywhere': (name, detail) =>
    `“${name}” can be watched now, but not in every browser: some cannot play its format (${detail}).`,
  'key-pictures-are-sparse': (name, detail) =>
    `“${name}” can be watched now. Its key pictures are up to ${detail} seconds apart, so starting and jumping take longer.`,
  'container-needs-transcode': (name, detail) =>
    `“${name}” has a format that browsers cannot play (${detail}). ${KEPT} ${EXPORT}`,
  'picture-needs-transcode': (name, detail) =>
    `The picture of “${name}” has a format that browsers cannot play (${detail}). ${KEPT} ${EXPORT}`,
  'sound-needs-transcode': (name, detail) =>
    `The sound of “${name}” has a format that browsers cannot play (${detail}). ${KEPT} ${EXPORT}`,
  'has-hidden-part': (name) =>
    `“${name}” was trimmed, but the part that was cut off is still inside the file. ${KEPT} Or export it again and upload that.`,
  'has-unclear-edits': (name) =>
    `“${name}” was edited in a way that players do not understand alike. ${KEPT} Or export it again and upload that.`,
};

function verdictOf(reason: VerdictReason): Judgement['verdict'] {
  if (reason === 'plays-everywhere') return 'playable';
  const needsTranscode: readonly VerdictReason[] = TRANSCODE_REASONS;
  return needsTranscode.includes(reason) ? 'transcode-first' : 'playable-and-better-later';
}

export function judgement(reason: VerdictReason, fileName: string, detail = ''): Judgement {
  return { verdict: verdictOf(reason), reason, sentence: SENTENCES[reason](shownName(fileName), detail) };
}

const namesOf = (streams: readonly UnreadStream[]) => [...new Set(streams.map(({ codec }) => codec))].join(', ');

/** Of the picture that is packaged; null: not known. */
function keyGapOf({ id }: SurveyedTrack, movie: Movie | null): number | null {
  return movie?.tracks.find((track) => track.id === id)?.longestKeyGapSeconds ?? null;
}

export interface InspectedTracks {
  tracks: readonly SurveyedTrack[];
  /** Beside them. */
  unread: readonly UnreadStream[];
  /** Null: the container has no such tables. */
  movie: Movie | null;
}

/** Why a player would miss the picture or the sound; that would look like a fault of the player. */
function transcodeFor({ tracks, unread }: InspectedTracks, fileName: string): Judgement | null {
  for (const kind of ['video', 'audio'] as const) {
    const streams = [...tracks, ...unread].filter((stream) => stream.kind === kind);
    const isPlayed = tracks.some((track) => track.kind === kind && track.isPackaged);
    if (streams.length === 0 || isPlayed) continue;
    return judgement(
      kind === 'video' ? 'picture-needs-transcode' : 'sound-needs-transcode',
      fileName,
      namesOf(streams),
    );
  }
  return null;
}

/** Judges a film that is whole and within the limits, and has at least one track or stream. */
export function judgeTracks(inspected: InspectedTracks, fileName: string): Judgement {
  const { tracks, movie } = inspected;
  const hidden = findHiddenPart(tracks, movie);
  if (hidden) return judgement(hidden, fileName);
  const unplayed = transcodeFor(inspected, fileName);
  if (unplayed) return unplayed;
  const picture = tracks.find(({ kind, isPackaged }) => kind === 'video' && isPackaged);
  const sounds = tracks.filter(({ kind, isPackaged }) => kind === 'audio' && isPackaged);
  const limited = [
    ...(picture && !picture.playsEverywhere ? [picture] : []),
    // One that plays is enough: who cannot play the others chooses that one.
    ...(sounds.some(({ playsEverywhere }) => playsEverywhere) ? [] : sounds),
  ];
  if (limited.length > 0) return judgement('codec-not-everywhere', fileName, namesOf(limited));
  const gapSeconds = picture ? keyGapOf(picture, movie) : null;
  if (gapSeconds === null || gapSeconds <= SPARSE_SECONDS) return judgement('plays-everywhere', fileName);
  return judgement('key-pictures-are-sparse', fileName, String(Math.ceil(gapSeconds)));
}
