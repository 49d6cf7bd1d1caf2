import type { Rendition } from '../../../server/contracts';
import type { Bandwidth } from './bandwidth';
import type { Film } from './film';
import { type FilmOutline, type OutlinedAudio, type OutlinedVideo, outlineFilm } from './film-outline';
import type { Track } from './presentation';
import type { CutTrack } from './timeline';
import { labelTrack, makeUnique, toLanguageTag } from './track-label';

/** A published track and what is needed to cut it again from a newly opened film. */
export interface TrackPlan {
  track: Track;
  rendition: Rendition;
  /** Of the file the plan was made from: another file is not cut by it. */
  stamp: string;
  /** About how many the whole film has, over all planned tracks. */
  filmPackets: number;
  inputTrackId: number;
  /** Added to film time to get the common timeline. */
  shiftSeconds: number;
  /** Film time of the packet that segment `n` begins with, at `n - 1`. */
  packetSeconds: number[];
  /** How far the track's decoding runs ahead of its showing. */
  reorderSeconds: number;
}

type Place = Pick<TrackPlan, 'rendition' | 'stamp' | 'filmPackets' | 'shiftSeconds'>;

function timed({ cuts, endSeconds }: CutTrack, shiftSeconds: number): Pick<Track, 'segments'> {
  const starts = [...cuts.map((cut) => cut.startSeconds), endSeconds];
  return {
    segments: cuts.map(({ startSeconds }, index) => ({
      startSeconds: startSeconds + shiftSeconds,
      durationSeconds: (starts[index + 1] ?? endSeconds) - startSeconds,
    })),
  };
}

function rates({ peak, average }: Bandwidth): Pick<Track, 'bandwidth' | 'averageBandwidth'> {
  return { bandwidth: peak, averageBandwidth: Math.min(average, peak) };
}

async function planVideo(place: Place, { inputTrack, codec, cutTrack, bandwidth }: OutlinedVideo): Promise<TrackPlan> {
  return {
    ...place,
    inputTrackId: inputTrack.id,
    packetSeconds: cutTrack.cuts.map((cut) => cut.packetSeconds),
    reorderSeconds: bandwidth.reorderSeconds,
    track: {
      id: `${place.rendition.id}-v1`,
      rendition: place.rendition.id,
      kind: 'video',
      codec,
      mime: 'video/mp4',
      ...rates(bandwidth),
      width: await inputTrack.getDisplayWidth(),
      height: await inputTrack.getDisplayHeight(),
      frameRate: Math.round(bandwidth.packetRate * 1000) / 1000,
      name: 'Video',
      ...timed(cutTrack, place.shiftSeconds),
      independent: cutTrack.cuts.every((cut) => cut.startSeconds === cut.packetSeconds),
    },
  };
}

interface Numbered {
  number: number;
  taken: ReadonlySet<string>;
}

async function planAudio(place: Place, outlined: OutlinedAudio, { number, taken }: Numbered): Promise<TrackPlan> {
  const { inputTrack, codec, cutTrack, bandwidth } = outlined;
  const language = toLanguageTag(await inputTrack.getLanguageCode());
  return {
    ...place,
    inputTrackId: inputTrack.id,
    packetSeconds: cutTrack.cuts.map((cut) => cut.packetSeconds),
    reorderSeconds: bandwidth.reorderSeconds,
    track: {
      id: `${place.rendition.id}-a${number}`,
      rendition: place.rendition.id,
      kind: 'audio',
      codec,
      mime: 'audio/mp4',
      ...rates(bandwidth),
      channels: await inputTrack.getNumberOfChannels(),
      sampleRate: await inputTrack.getSampleRate(),
      ...(language === undefined ? {} : { language }),
      name: makeUnique(labelTrack(await inputTrack.getName(), language, number), taken),
      ...timed(cutTrack, place.shiftSeconds),
    },
  };
}

async function planOutlined(place: Place, { video, audios }: FilmOutline): Promise<TrackPlan[]> {
  const plans = video ? [await planVideo(place, video)] : [];
  const taken = new Set<string>();
  for (const [index, audio] of audios.entries()) {
    const plan = await planAudio(place, audio, { number: index + 1, taken });
    taken.add(plan.track.name);
    plans.push(plan);
  }
  return plans;
}

function countPackets({ video, audios }: FilmOutline): number {
  const counts = [...(video ? [video] : []), ...audios].map(({ cutTrack, bandwidth }) => {
    return bandwidth.packetRate * Math.max(0, cutTrack.endSeconds);
  });
  return Math.ceil(counts.reduce((sum, count) => sum + count, 0));
}

/** Plans every track of one rendition. Errors as `outlineFilm`. `guide`: see `cutVideo`. */
export async function planRendition(film: Film, rendition: Rendition, guide?: readonly number[]): Promise<TrackPlan[]> {
  const outline = await outlineFilm(film, guide);
  const shiftSeconds = -outline.originSeconds || 0;
  return planOutlined({ rendition, stamp: film.stamp, filmPackets: countPackets(outline), shiftSeconds }, outline);
}
