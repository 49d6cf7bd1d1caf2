import type { Track } from '../../../../streamer/src/packager/presentation';

/** A track of the kind of video, in one segment of 10 s. The rendition is what stands before the dash of its id. */
export function videoTrack(id: string, changes: Partial<Track> = {}): Track {
  return {
    id,
    rendition: id.replace(/-.*/, ''),
    kind: 'video',
    codec: 'avc1.640028',
    mime: 'video/mp4',
    bandwidth: 5_000_000,
    averageBandwidth: 3_000_000,
    width: 1920,
    height: 1080,
    frameRate: 23.976,
    name: 'Video',
    segments: [{ startSeconds: 0, durationSeconds: 10 }],
    ...changes,
  };
}

/** The same of the kind of audio. */
export function audioTrack(id: string, changes: Partial<Track> = {}): Track {
  return {
    id,
    rendition: id.replace(/-.*/, ''),
    kind: 'audio',
    codec: 'mp4a.40.2',
    mime: 'audio/mp4',
    bandwidth: 200_000,
    averageBandwidth: 128_000,
    channels: 2,
    sampleRate: 44100,
    name: 'Audio 1',
    segments: [{ startSeconds: 0, durationSeconds: 10 }],
    ...changes,
  };
}
