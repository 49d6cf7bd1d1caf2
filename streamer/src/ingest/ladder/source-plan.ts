import { Film } from '../../packager/film';
import { planRendition, type TrackPlan } from '../../packager/track-plan';
import { IngestError } from '../ingest-error';
import type { FilmInput } from '../tools/film-input';
import { chunksOf, type Part } from './chunks';
import { type RungPlan, rungSize, type SoundTrack } from './rung-plan';

/** Of a film that the packager has found to be none of its own. */
const SOURCE = { id: 'source', storageKey: 'library/source', sizeBytes: 0 };

/** Demuxers that find a place by its time alone may begin anywhere between two key pictures. */
const FINDS_NO_KEYS: ReadonlySet<string> = new Set(['mpegts']);

function leadOf({ track }: TrackPlan, demuxer: string): number {
  // Pictures that lead the first one need the segment before.
  return FINDS_NO_KEYS.has(demuxer) || track.independent === false ? 1 : 0;
}

function partsOf({ track, packetSeconds, shiftSeconds }: TrackPlan): Part[] {
  return track.segments.map(({ startSeconds, durationSeconds }, index) => ({
    startSeconds: startSeconds - shiftSeconds,
    durationSeconds,
    packetSeconds: packetSeconds[index] ?? startSeconds - shiftSeconds,
  }));
}

async function soundsOf(film: Film, plans: readonly TrackPlan[], codecs: readonly string[]): Promise<SoundTrack[]> {
  const tracks = await film.input.getAudioTracks();
  const sounds: SoundTrack[] = [];
  for (const { inputTrackId, track, shiftSeconds } of plans) {
    const index = tracks.findIndex(({ id }) => id === inputTrackId);
    const [input, codec, first] = [tracks[index], codecs[index], track.segments[0]];
    if (!input || codec === undefined || !first) continue;
    const [language, name] = [await input.getLanguageCode(), await input.getName()];
    sounds.push({ index, codec, startSeconds: first.startSeconds - shiftSeconds, language, name });
  }
  return sounds;
}

export interface SourceFacts {
  film: FilmInput;
  /** Of the film's tracks of sound, in order, as ffmpeg calls them. */
  soundCodecs: readonly string[];
  pictureCodec: string;
  shortSide: number;
}

/**
 * Plans a rung by the source's own cuts, as viewers are given them: segments of both begin at the same pictures. Throws
 * `IngestError` `no-picture`, and what the packager throws.
 */
export async function planBySource({ film, soundCodecs, pictureCodec, shortSide }: SourceFacts): Promise<RungPlan> {
  const opened = await Film.open(film.path);
  try {
    const plans = await planRendition(opened, SOURCE);
    const video = plans.find(({ track }) => track.kind === 'video');
    if (!video) throw new IngestError('no-picture', 'there is sound alone');
    const { width = 0, height = 0, segments } = video.track;
    const chunks = chunksOf(partsOf(video), leadOf(video, film.demuxer));
    const last = segments.at(-1);
    const audios = plans.filter(({ track }) => track.kind === 'audio');
    return {
      picture: { size: rungSize({ width, height }, shortSide), codec: pictureCodec, chunks },
      sounds: await soundsOf(opened, audios, soundCodecs),
      originSeconds: -video.shiftSeconds || 0,
      endSeconds: last ? last.startSeconds + last.durationSeconds - video.shiftSeconds : 0,
    };
  } finally {
    await opened.retire();
  }
}
