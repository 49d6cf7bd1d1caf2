import type { Track } from '../packager/presentation';
import { segmentTemplate } from './segment-template';
import type { Element } from './xml';

/** ISO/IEC 23009-1 §5.3.3.1: the representations of a set are interchangeable; other sound or another codec is not. */
function setKey({ kind, codec, language, name, channels }: Track): string {
  const family = codec.split('.')[0];
  return JSON.stringify(kind === 'video' ? [kind, family] : [kind, family, language, name, channels]);
}

/** Sets of tracks between which a player may switch, in the order in which they first appear. */
export function groupTracks(tracks: readonly Track[]): Track[][] {
  const sets = new Map<string, Track[]>();
  for (const track of tracks) {
    const key = setKey(track);
    sets.set(key, [...(sets.get(key) ?? []), track]);
  }
  return [...sets.values()];
}

function areAligned(tracks: readonly Track[]): boolean {
  const [first, ...others] = tracks.map(({ segments }) => segments.map(({ startSeconds }) => startSeconds));
  return others.every(
    (starts) =>
      starts.length === first?.length && starts.every((start, index) => Math.abs(start - (first[index] ?? 0)) < 1e-3),
  );
}

/** ISO/IEC 23009-1 §5.3.7.2, @frameRate: an integer, or a ratio for the NTSC rates. */
export function formatFrameRate(framesPerSecond: number): string {
  const whole = Math.round(framesPerSecond);
  if (Math.abs(framesPerSecond - whole) < 0.002) return String(whole);
  if (Math.abs(framesPerSecond - (whole * 1000) / 1001) < 0.002) return `${whole * 1000}/1001`;
  return `${Math.round(framesPerSecond * 1000)}/1000`;
}

function representation(track: Track): Element {
  const { width, height, frameRate, sampleRate, channels } = track;
  return {
    name: 'Representation',
    attributes: {
      id: track.id,
      codecs: track.codec,
      bandwidth: Math.max(1, Math.ceil(track.bandwidth)),
      width: width && Math.round(width),
      height: height && Math.round(height),
      frameRate: frameRate ? formatFrameRate(frameRate) : undefined,
      audioSamplingRate: sampleRate,
    },
    children: [
      ...(track.kind === 'audio' && channels !== undefined ? [channelConfiguration(channels)] : []),
      segmentTemplate(track),
    ],
  };
}

function channelConfiguration(channels: number): Element {
  const schemeIdUri = 'urn:mpeg:dash:23003:3:audio_channel_configuration:2011';
  return { name: 'AudioChannelConfiguration', attributes: { schemeIdUri, value: channels } };
}

/** One AdaptationSet (ISO/IEC 23009-1 §5.3.3) of a group from `groupTracks`. */
export function adaptationSet(tracks: readonly Track[], index: number): Element {
  const first = tracks[0];
  const independent = tracks.every((track) => track.independent !== false);
  return {
    name: 'AdaptationSet',
    attributes: {
      id: index,
      contentType: first?.kind,
      mimeType: first?.mime,
      lang: first?.language,
      segmentAlignment: String(areAligned(tracks)),
      // ISO/IEC 14496-12 Annex I: type 3 when pictures that lead the first one need the segment before.
      startWithSAP: independent ? 1 : 3,
    },
    children: [
      ...(first?.kind === 'audio' ? [{ name: 'Label', text: first.name }] : []),
      ...tracks.map(representation),
    ],
  };
}
