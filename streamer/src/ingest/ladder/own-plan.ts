import { IngestError } from '../ingest-error';
import type { Making } from '../kinds/maker';
import { ALL_DECODERS, decodersOf } from '../tools/film-input';
import { type FilmProbe, originOf, pictureOf, squared } from '../tools/film-probe';
import { readSoundMetadata } from '../tools/sound-metadata';
import { lastKeyBefore } from './key-search';
import { type Chunk, type PictureSize, type RungPlan, rungSize, type SoundTrack } from './rung-plan';
import { soundLabelOf } from './sound-label';

const KEY_SECONDS = 4;
const CHUNK_SECONDS = 60;
/** They are named in one argument, and Linux has room for 128 KiB in that. */
const MAX_KEYS = 8000;

/** Film time that is 0 for players; what lies before 0 is not to be seen, and not to be heard. */
const shownFrom = (probe: FilmProbe): number => Math.max(0, originOf(probe));

function keysWithin(start: number, stop: number): number[] {
  const keys: number[] = [];
  const step = Math.max(KEY_SECONDS, (stop - start) / MAX_KEYS);
  for (let at = start; at < stop; at += step) keys.push(at);
  return keys;
}

/**
 * Chunks of a film with cuts of our own. Each begins after another key picture than the one before, or decoding would go over
 * the same pictures again and again. One alone where times leap: there is no time by which a place can be found.
 */
async function chunksOf(making: Making, codec: string, span: { start: number; end: number }): Promise<Chunk[]> {
  const starts = [{ at: span.start, key: null as number | null }];
  const lastStart = making.film.hasMendedTimes ? span.start : span.end - KEY_SECONDS;
  for (let at = span.start + CHUNK_SECONDS; at < lastStart; at += CHUNK_SECONDS) {
    const key = await lastKeyBefore(making, codec, at);
    const last = starts.at(-1);
    if (key !== null && last && key > last.at) starts.push({ at, key });
  }
  return starts.map(({ at, key }, index) => {
    const stop = starts[index + 1]?.at ?? null;
    return {
      startSeconds: at,
      stopSeconds: stop,
      keysSeconds: keysWithin(at, stop ?? Math.max(span.end, at + KEY_SECONDS)),
      seekSeconds: key,
      beginsWithPicture: false,
    };
  });
}

export interface OwnFacts {
  making: Making;
  probe: FilmProbe;
  /** As it is shown; null: as ffmpeg says. */
  size: PictureSize | null;
  shortSide: number;
}

/** Plans a rendition of a film that viewers do not get themselves. Throws `IngestError` `source-refused`. */
export async function planByOwnCuts({ making, probe, size, shortSide }: OwnFacts): Promise<RungPlan> {
  const start = shownFrom(probe);
  const end = start + making.durationSeconds;
  const picture = pictureOf(probe);
  const sounds = probe.filter(({ kind }) => kind === 'audio');
  const metadata = sounds.length === 0 ? [] : await readSoundMetadata(making, ALL_DECODERS);
  if (picture !== null && decodersOf(picture.codec) === null) {
    throw new IngestError('source-refused', `the codec ${picture.codec} is not decoded here`);
  }
  return {
    picture: picture && {
      size: rungSize(size ?? squared(picture), shortSide),
      codec: picture.codec,
      chunks: await chunksOf(making, picture.codec, { start, end }),
    },
    sounds: sounds.map(({ codec, startSeconds }, index): SoundTrack => {
      const label = soundLabelOf(metadata[index] ?? new Map());
      return { index, codec, startSeconds: Math.max(start, startSeconds), ...label };
    }),
    originSeconds: start,
    endSeconds: end,
  };
}
