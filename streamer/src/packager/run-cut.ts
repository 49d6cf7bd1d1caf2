import type { EncodedPacket } from 'mediabunny';
import { decodeTimes } from './decode-times';
import type { Film } from './film';
import { toMp4Form } from './mp4-form';
import type { StreamPacket } from './packet-run';
import { firstPacketFrom } from './packet-search';
import { findTrack, type PacketSpan, packetsOf } from './packet-span';

/** What to read out of a film. */
export interface RunOrder {
  /** `delaySeconds`: by how much decoding runs ahead of showing, the same for all runs of the film. */
  video: { span: PacketSpan; delaySeconds: number } | null;
  /** By time: its packets are those shown from `startSeconds` to before `stopSeconds`. */
  audio: PacketSpan | null;
  shiftSeconds: number;
}

/** The packets of a run without their data, and all data in one piece, so that it can change threads without a copy. */
export interface RunBytes {
  data: ArrayBuffer;
  /** In the order in which the data lies. */
  packets: (Omit<StreamPacket, 'data'> & { byteLength: number })[];
}

type ReadPacket = Omit<StreamPacket, 'data'> & { data: Uint8Array };

async function readVideo(film: Film, { video, shiftSeconds }: RunOrder): Promise<ReadPacket[]> {
  if (!video) return [];
  const track = await findTrack(film, video.span);
  const read: EncodedPacket[] = [];
  for await (const packet of packetsOf(track, video.span)) read.push(packet);
  const { packets } = await toMp4Form(track.inputTrack, read, shiftSeconds);
  const shownMs = packets.map(({ timestamp }) => (timestamp + shiftSeconds) * 1000);
  const decodedMs = decodeTimes(shownMs, video.delaySeconds * 1000);
  return packets.map(({ type, data }, index) => ({
    kind: 'video',
    dtsMs: decodedMs[index] ?? 0,
    ptsMs: Math.round(shownMs[index] ?? 0),
    key: type === 'key',
    data,
  }));
}

async function readAudio(film: Film, { audio, shiftSeconds }: RunOrder): Promise<ReadPacket[]> {
  if (!audio) return [];
  const track = await findTrack(film, audio);
  const first = await firstPacketFrom(track.sink, audio.startSeconds);
  const next = audio.stopSeconds === null ? null : await firstPacketFrom(track.sink, audio.stopSeconds);
  if (first === null || first.timestamp === next?.timestamp) return [];
  const span = { ...audio, startSeconds: first.timestamp, stopSeconds: next?.timestamp ?? null };
  const read: EncodedPacket[] = [];
  for await (const packet of packetsOf(track, span)) read.push(packet);
  const { packets } = await toMp4Form(track.inputTrack, read, shiftSeconds);
  return packets.map(({ timestamp, data }) => {
    const timeMs = Math.max(0, Math.round((timestamp + shiftSeconds) * 1000));
    return { kind: 'audio', dtsMs: timeMs, ptsMs: timeMs, key: true, data };
  });
}

/** Reads one run out of the film its plan was made from. */
export async function cutRun(film: Film, order: RunOrder): Promise<RunBytes> {
  // The sort is stable: at the same time the picture comes first.
  const read = [...(await readVideo(film, order)), ...(await readAudio(film, order))].sort(
    (one, other) => one.dtsMs - other.dtsMs,
  );
  const bytes = new Uint8Array(read.reduce((sum, { data }) => sum + data.byteLength, 0));
  let offset = 0;
  const packets = read.map(({ data, ...packet }) => {
    bytes.set(data, offset);
    offset += data.byteLength;
    return { ...packet, byteLength: data.byteLength };
  });
  return { data: bytes.buffer, packets };
}
