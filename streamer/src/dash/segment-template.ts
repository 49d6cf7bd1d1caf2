import type { Track } from '../packager/presentation';
import type { Element } from './xml';

/** A multiple of every usual frame duration (24, 25, 30, 60 and their 1001 relatives) and of the millisecond. */
const VIDEO_TIMESCALE = 240_000;

/** Units per second in which the cuts of a track are whole numbers, or next to it. */
export function timescaleOf(track: Track): number {
  return (track.kind === 'audio' && track.sampleRate) || VIDEO_TIMESCALE;
}

interface Run {
  start: number;
  duration: number;
  /** How many more segments of this duration follow. */
  repeat: number;
}

/** Rounds times, not durations: each segment starts exactly where the one before ends. */
function runsOf(track: Track, timescale: number): Run[] {
  const runs: Run[] = [];
  let start = Math.round((track.segments[0]?.startSeconds ?? 0) * timescale);
  for (const { startSeconds, durationSeconds } of track.segments) {
    const end = Math.round((startSeconds + durationSeconds) * timescale);
    const last = runs.at(-1);
    if (last && last.duration === end - start) last.repeat += 1;
    else runs.push({ start, duration: end - start, repeat: 0 });
    start = end;
  }
  return runs;
}

/** ISO/IEC 23009-1 §5.3.9.4 and §5.3.9.6. `$RepresentationID$` is the track id, so the addresses are those of HLS. */
export function segmentTemplate(track: Track): Element {
  const timescale = timescaleOf(track);
  return {
    name: 'SegmentTemplate',
    attributes: {
      timescale,
      startNumber: 1,
      initialization: '$RepresentationID$/init.mp4',
      media: '$RepresentationID$/$Number$.m4s',
    },
    children: [
      {
        name: 'SegmentTimeline',
        children: runsOf(track, timescale).map(({ start, duration, repeat }) => ({
          name: 'S',
          attributes: { t: start, d: duration, r: repeat > 0 ? repeat : undefined },
        })),
      },
    ],
  };
}
