import { type FileHandle, open } from 'node:fs/promises';
import {
  EncodedAudioPacketSource,
  type EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  type InputAudioTrack,
  type InputVideoTrack,
  Mp4OutputFormat,
  Output,
  StreamTarget,
  type StreamTargetChunk,
} from 'mediabunny';
import type { Film } from '../../packager/film';
import { clearTimes } from '../../packager/init-times';
import { IngestError } from '../ingest-error';
import { openToolFilm } from '../tools/tool-file';
import type { SoundTrack } from './rung-plan';

/** A finished part, and when it begins for players. */
export interface PlacedPart {
  file: string;
  startSeconds: number;
}

export interface RungParts {
  pictures: readonly PlacedPart[];
  sounds: readonly (PlacedPart & Pick<SoundTrack, 'language' | 'name'>)[];
  signal: AbortSignal;
}

interface Lane {
  packets: AsyncGenerator<EncodedPacket>;
  add(packet: EncodedPacket): Promise<void>;
}

async function trackOf(film: Film, kind: 'video' | 'audio') {
  const { input } = film;
  return kind === 'video' ? input.getPrimaryVideoTrack() : input.getPrimaryAudioTrack();
}

/** In decode order, on the players' timeline; what lies before its 0 is the delay of an encoder. */
async function* packetsOf(parts: readonly PlacedPart[], kind: 'video' | 'audio'): AsyncGenerator<EncodedPacket> {
  for (const { file, startSeconds } of parts) {
    const film = await openToolFilm(file);
    try {
      const track = await trackOf(film, kind);
      if (track === null) continue;
      for await (const packet of new EncodedPacketSink(track).packets()) {
        const timestamp = packet.timestamp + startSeconds;
        // -0.00… is rounding.
        if (timestamp > -1e-6) yield packet.clone({ timestamp: Math.max(0, timestamp) });
      }
    } finally {
      await film.retire();
    }
  }
}

interface Coding<T> {
  config: T;
  unitsPerSecond: number;
}

async function codingOf(track: InputVideoTrack): Promise<Coding<VideoDecoderConfig>> {
  const config = await track.getDecoderConfig();
  if (config === null) throw new IngestError('output-invalid', 'a chunk cannot be read');
  return { config, unitsPerSecond: await track.getTimeResolution() };
}

function bytesOf(description: ArrayBufferLike | ArrayBufferView | undefined): Buffer {
  if (description === undefined) return Buffer.alloc(0);
  return ArrayBuffer.isView(description)
    ? Buffer.from(description.buffer, description.byteOffset, description.byteLength)
    : Buffer.from(description);
}

/** Of all chunks; those without a picture are passed over. Throws where another encoder has made one of them. */
async function pictureCoding(parts: readonly PlacedPart[]): Promise<Coding<VideoDecoderConfig> | null> {
  let coding: Coding<VideoDecoderConfig> | null = null;
  for (const { file } of parts) {
    const film = await openToolFilm(file);
    try {
      const track = await film.input.getPrimaryVideoTrack();
      if (track === null) continue;
      const found = await codingOf(track);
      coding ??= found;
      if (!bytesOf(found.config.description).equals(bytesOf(coding.config.description))) {
        throw new IngestError('output-invalid', 'chunks are not coded alike');
      }
    } finally {
      await film.retire();
    }
  }
  return coding;
}

async function addPictures(output: Output, parts: readonly PlacedPart[]): Promise<Lane[]> {
  const coding = await pictureCoding(parts);
  if (coding === null) return [];
  const { config: decoderConfig, unitsPerSecond } = coding;
  const source = new EncodedVideoPacketSource('avc');
  // The unit of its times, and so exact: there need be no such rate.
  output.addVideoTrack(source, { frameRate: unitsPerSecond });
  return [{ packets: packetsOf(parts, 'video'), add: (packet) => source.add(packet, { decoderConfig }) }];
}

async function addSound(output: Output, sound: RungParts['sounds'][number]): Promise<Lane[]> {
  const film = await openToolFilm(sound.file);
  try {
    const track: InputAudioTrack | null = await film.input.getPrimaryAudioTrack();
    const decoderConfig = await track?.getDecoderConfig();
    if (!decoderConfig) return [];
    const source = new EncodedAudioPacketSource('aac');
    const { language: languageCode, name } = sound;
    output.addAudioTrack(source, { languageCode, ...(name !== null && { name }) });
    return [{ packets: packetsOf([sound], 'audio'), add: (packet) => source.add(packet, { decoderConfig }) }];
  } finally {
    await film.retire();
  }
}

/**
 * Adds what comes first of all lanes, until none has more: the muxer keeps nothing waiting in memory then. Resolves
 * to when the last of it ends, in seconds.
 */
async function drain(lanes: readonly Lane[], signal: AbortSignal): Promise<number> {
  let seconds = 0;
  const heads = await Promise.all(lanes.map(async (lane) => ({ lane, head: await lane.packets.next() })));
  for (;;) {
    const waiting = heads.filter(({ head }) => head.done !== true);
    const [first] = waiting.toSorted((one, other) => startOf(one.head) - startOf(other.head));
    if (first === undefined) return seconds;
    signal.throwIfAborted();
    if (first.head.done !== true) {
      const { timestamp, duration } = first.head.value;
      seconds = Math.max(seconds, timestamp + duration);
      await first.lane.add(first.head.value);
    }
    first.head = await first.lane.packets.next();
  }
}

const startOf = (head: IteratorResult<EncodedPacket>): number => (head.done === true ? 0 : head.value.timestamp);

function targetFor(handle: FileHandle): StreamTarget {
  const write = async ({ data, position }: StreamTargetChunk) => {
    await handle.write(data, 0, data.byteLength, position);
  };
  return new StreamTarget(new WritableStream({ write }), { chunked: true });
}

/**
 * Puts finished parts into one MP4; equal parts make equal bytes. Resolves to its length in seconds. Throws `IngestError`
 * `output-invalid` where they do not fit.
 */
export async function writeRung({ pictures, sounds, signal }: RungParts, file: string): Promise<number> {
  const handle = await open(file, 'wx', 0o600);
  try {
    let tables: { bytes: Buffer; position: number } | null = null;
    const onMoov = (data: Uint8Array, position: number) => {
      tables = { bytes: Buffer.from(data), position };
    };
    const output = new Output({ format: new Mp4OutputFormat({ fastStart: false, onMoov }), target: targetFor(handle) });
    const lanes = await addPictures(output, pictures);
    for (const sound of sounds) lanes.push(...(await addSound(output, sound)));
    if (lanes.length === 0) throw new IngestError('output-invalid', 'nothing of the film could be decoded');
    await output.start();
    const seconds = await drain(lanes, signal);
    await output.finalize();
    await writeTables(handle, tables);
    return seconds;
  } finally {
    await handle.close();
  }
}

/** The muxer writes down when it was at work. */
async function writeTables(handle: FileHandle, tables: { bytes: Buffer; position: number } | null): Promise<void> {
  if (tables === null) throw new IngestError('output-invalid', 'the muxer has written no tables');
  clearTimes(tables.bytes);
  await handle.write(tables.bytes, 0, tables.bytes.byteLength, tables.position);
}
