import type { EncodedPacketSink } from 'mediabunny';
import { reorderDelay } from './decode-times';
import { firstKeyFrom, firstPacketFrom } from './packet-search';
import type { CutTrack } from './timeline';

/** How many packets of a track are looked at before the first playlist; some 5 µs each. */
const PACKET_BUDGET = { video: 1500, audio: 400 } as const;
/** Upper bounds of what a fragment adds per segment (styp, sidx, moof, mdat) and per sample (trun). */
const SEGMENT_OVERHEAD_BYTES = 256;
const SAMPLE_OVERHEAD_BYTES = 16;
/** Usual ratio of the largest segment to the average one in rate-controlled encodes. */
const PEAK_FACTOR = 1.5;

export interface Bandwidth {
  peak: number;
  average: number;
  /** Whether every packet was counted. Otherwise `peak` is never below 1.5 × `average`. */
  exact: boolean;
  /** Highest number of packets per second seen in a segment. */
  packetRate: number;
  /** How far decoding runs ahead of showing in what was sampled; 0 without reordering. */
  reorderSeconds: number;
}

interface Sample {
  bytes: number;
  packets: number;
  seconds: number;
  reorderSeconds: number;
}

interface Source {
  kind: 'video' | 'audio';
  sink: EncodedPacketSink;
  track: CutTrack;
}

async function sampleSegment({ kind, sink, track }: Source, index: number): Promise<Sample> {
  const find = kind === 'video' ? firstKeyFrom : firstPacketFrom;
  const cut = track.cuts[index];
  const next = track.cuts[index + 1];
  const start = cut && (await find(sink, cut.packetSeconds));
  const stop = next && (await find(sink, next.packetSeconds));
  const sample = { bytes: SEGMENT_OVERHEAD_BYTES, packets: 0, seconds: 0, reorderSeconds: 0 };
  if (!cut || !start) return sample;
  const times: number[] = [];
  for await (const packet of sink.packets(start, stop ?? undefined, { metadataOnly: true })) {
    sample.bytes += packet.byteLength + SAMPLE_OVERHEAD_BYTES;
    sample.packets += 1;
    times.push(packet.timestamp);
    sample.seconds = Math.max(sample.seconds, packet.timestamp + packet.duration - cut.startSeconds);
    // A film with one key picture in two hours is one segment: a part of it has to do.
    if (sample.packets >= PACKET_BUDGET[kind]) return { ...sample, reorderSeconds: reorderDelay(times) };
  }
  sample.reorderSeconds = reorderDelay(times);
  sample.seconds = (next?.startSeconds ?? track.endSeconds) - cut.startSeconds;
  return sample;
}

/** Evenly spread over the film, first and last segment included. */
function spread(count: number, available: number): number[] {
  if (count >= available) return Array.from({ length: available }, (_, index) => index);
  return Array.from({ length: count }, (_, index) => Math.round((index * (available - 1)) / (count - 1)));
}

async function sampleTrack(source: Source): Promise<Sample[]> {
  const first = await sampleSegment(source, 0);
  const affordable = Math.max(2, Math.floor(PACKET_BUDGET[source.kind] / Math.max(1, first.packets)));
  const samples = [first];
  for (const index of spread(affordable, source.track.cuts.length).slice(1)) {
    samples.push(await sampleSegment(source, index));
  }
  return samples;
}

/**
 * Bits per second of a track. Short films are counted whole; of longer ones some segments are, so that the first playlist
 * does not wait for a scan of the file, and the result leans upwards: a player that believes a segment to be smaller
 * than it is stalls, the other error costs it a little quality at most.
 */
export async function estimateBandwidth(source: Source): Promise<Bandwidth> {
  const samples = (await sampleTrack(source)).filter((sample) => sample.seconds > 0);
  const bits = samples.reduce((sum, sample) => sum + sample.bytes * 8, 0);
  const seconds = samples.reduce((sum, sample) => sum + sample.seconds, 0);
  const startSeconds = source.track.cuts[0]?.startSeconds ?? 0;
  const exact = seconds >= source.track.endSeconds - startSeconds - 1e-3;
  const average = seconds > 0 ? Math.ceil(bits / seconds) : 0;
  const measured = Math.ceil(Math.max(0, ...samples.map((sample) => (sample.bytes * 8) / sample.seconds)));
  return {
    peak: exact ? measured : Math.max(measured, Math.ceil(average * PEAK_FACTOR)),
    average,
    exact,
    packetRate: Math.max(0, ...samples.map((sample) => sample.packets / sample.seconds)),
    reorderSeconds: Math.max(0, ...samples.map((sample) => sample.reorderSeconds)),
  };
}

/**
 * Corrects a sampled video average by the size of the file: what is not audio is taken for video. Too high when the
 * file carries more than is packaged, never too low by more than its container's overhead.
 */
export function correctByFileSize(
  sampled: Bandwidth,
  fileBits: number,
  seconds: number,
  audioAverage: number,
): Bandwidth {
  if (sampled.exact || seconds <= 0) return sampled;
  const average = Math.max(1, Math.ceil(fileBits / seconds - audioAverage));
  return { ...sampled, average, peak: Math.max(sampled.peak, Math.ceil(average * PEAK_FACTOR)) };
}
