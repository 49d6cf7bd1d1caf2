import type { AssetPlan } from './asset-plan';
import { PackagingError } from './packaging-error';
import type { StreamOutline } from './packet-run';
import { TIME_TOLERANCE_SECONDS } from './packet-search';
import type { PacketSpan } from './packet-span';
import type { RunOrder } from './run-cut';
import type { CodingOrder, StreamCoding } from './stream-coding';
import type { TrackPlan } from './track-plan';

/** How the published tracks of an asset become one continuous stream. */
export interface StreamPlan {
  video: TrackPlan | null;
  audio: TrackPlan | null;
  /** On the timeline that starts at 0. */
  runStartsSeconds: number[];
}

const startsOf = (plan: TrackPlan | null): number[] =>
  plan?.track.segments.map((segment) => segment.startSeconds) ?? [];

function endOf(plan: TrackPlan): number {
  const last = plan.track.segments.at(-1);
  return last ? last.startSeconds + last.durationSeconds : 0;
}

/** One run for each segment of the picture; where sound outlasts it, one for each further segment of the sound. */
export function planStream(plan: AssetPlan): StreamPlan {
  const all = [...plan.tracks.values()];
  // The best one: the renditions come in that order.
  const tracks = all.filter(({ rendition }) => rendition.id === all[0]?.rendition.id);
  const video = tracks.find(({ track }) => track.kind === 'video') ?? null;
  const audio = tracks.find(({ track }) => track.kind === 'audio') ?? null;
  if (!video && !audio) throw new PackagingError('asset-unreadable', 'the asset has no source to stream');
  const pictureEnd = video ? endOf(video) : 0;
  const soundStarts = startsOf(audio).filter((start) => !video || start >= pictureEnd - TIME_TOLERANCE_SECONDS);
  // What comes before the first picture belongs to its run.
  return { video, audio, runStartsSeconds: [0, ...[...startsOf(video), ...soundStarts].slice(1)] };
}

/** Decoding may not run ahead into the run before the second, where times rise from 0. */
function delayOf({ reorderSeconds }: TrackPlan, { runStartsSeconds }: StreamPlan): number {
  return Math.min(reorderSeconds, (runStartsSeconds[1] ?? Number.POSITIVE_INFINITY) / 2);
}

/** How to read run `index`, which is known to exist. */
export function orderRun(plan: StreamPlan, index: number): RunOrder {
  const { video, audio, runStartsSeconds } = plan;
  const shiftSeconds = (video ?? audio)?.shiftSeconds ?? 0;
  const startSeconds = (runStartsSeconds[index] ?? Number.NaN) - shiftSeconds;
  const stop = runStartsSeconds[index + 1];
  const span = (track: TrackPlan): PacketSpan => ({
    kind: track.track.kind,
    inputTrackId: track.inputTrackId,
    startSeconds,
    stopSeconds: stop === undefined ? null : stop - shiftSeconds,
  });
  const sound = audio && span(audio);
  // Earlier packets are encoder delay.
  if (audio && sound && index === 0) sound.startSeconds = audio.packetSeconds[0] ?? startSeconds;
  const picture = video?.packetSeconds[index];
  if (!video || picture === undefined) return { video: null, audio: sound, shiftSeconds };
  const pictures = { ...span(video), startSeconds: picture, stopSeconds: video.packetSeconds[index + 1] ?? null };
  return { video: { span: pictures, delaySeconds: delayOf(video, plan) }, audio: sound, shiftSeconds };
}

/** How to find out how the tracks of a stream are coded. */
export function orderCoding(plan: StreamPlan): CodingOrder {
  const { video, audio, shiftSeconds } = orderRun(plan, 0);
  return { spans: [video?.span, audio].filter((span) => !!span), shiftSeconds };
}

/** The whole of what a stream of the asset carries. */
export function outlineStream({ video, audio, runStartsSeconds }: StreamPlan, coding: StreamCoding): StreamOutline {
  const ends = [video, audio].map((plan) => (plan ? endOf(plan) : 0));
  const { width = 0, height = 0, frameRate = 0 } = video?.track ?? {};
  const { sampleRate = 0, channels = 0 } = audio?.track ?? {};
  return {
    durationMs: Math.round(Math.max(...ends) * 1000),
    video: coding.video ? { ...coding.video, width, height, frameRate } : null,
    audio: coding.audio ? { ...coding.audio, sampleRate, channels } : null,
    runStartsMs: runStartsSeconds.map((seconds) => Math.round(seconds * 1000)),
  };
}
