import { type Box, boxesIn } from './boxes';
import type { Edit } from './edit-list';
import { TooComplex } from './limits';

/** What the tables of one track say before anybody believes them (ISO/IEC 14496-12 §8). */
export interface MovieTrack {
  id: number | null;
  /** `vide`, `soun` or another. */
  handler: string;
  /** Names of its sample entries. */
  formats: string[];
  /** How many samples its tables list; none of those that all have one size. */
  samples: number;
  /** The most that one of its chunks holds, of samples that are listed. */
  chunkSamples: number;
  edits: Edit[];
  /** Something that decides about its edits is there twice: players may believe either. */
  isAmbiguous: boolean;
  /** Its header gives all ones for its duration (§8.4.2): it was written before anybody knew. */
  isOpenEnded: boolean;
  /** Null: every sample is a key, or it has no tables. */
  longestKeyGapSeconds: number | null;
}

export interface Movie {
  /** How finely edits are timed. */
  timeStepSeconds: number;
  tracks: MovieTrack[];
}

const CONTAINERS = new Set(['trak', 'mdia', 'minf', 'dinf', 'edts', 'stbl']);
const MAX_DEPTH = 12;
const MAX_FORMATS = 16;
/** More than anybody cuts by hand, and than anybody looks through. */
export const MAX_EDITS = 1000;

type Tables = Map<string, Box[]>;

/** The boxes of one track, whatever they lie in: demuxers find them there too. */
function collect(bytes: Buffer, { start, end }: Box, tables: Tables, depth = 0): Tables {
  if (depth > MAX_DEPTH) throw new TooComplex('The boxes are nested too deep.');
  for (const box of boxesIn(bytes, start, end)) {
    const known = tables.get(box.type);
    if (known) known.push(box);
    else tables.set(box.type, [box]);
    if (CONTAINERS.has(box.type)) collect(bytes, box, tables, depth + 1);
  }
  return tables;
}

function* entriesOf(bytes: Buffer, { start, end }: Box, size: number, header = 4): Generator<number> {
  if (end - start < header + 4) return;
  const promised = bytes.readUInt32BE(start + header);
  const held = Math.floor((end - start - header - 4) / size);
  for (let index = 0; index < Math.min(promised, held); index += 1) yield start + header + 4 + index * size;
}

/** Ticks per second, of a movie or media header. */
function timescaleOf(bytes: Buffer, header: Box | undefined): number {
  if (header === undefined || header.end - header.start < 24) return 1;
  const at = header.start + (bytes[header.start] === 1 ? 20 : 12);
  return Math.max(1, bytes.readUInt32BE(at));
}

function isOpenEnded(bytes: Buffer, header: Box | undefined): boolean {
  if (header === undefined) return false;
  const [offset, size] = bytes[header.start] === 1 ? [24, 8] : [16, 4];
  const duration = bytes.subarray(header.start + offset, Math.min(header.start + offset + size, header.end));
  return duration.byteLength === size && duration.every((byte) => byte === 0xff);
}

function sumOf(bytes: Buffer, tables: readonly Box[]): number {
  let sum = 0;
  for (const table of tables) for (const at of entriesOf(bytes, table, 8)) sum += bytes.readUInt32BE(at);
  return sum;
}

/** Samples of one size (PCM) are counted and not listed; where pictures are shown in another order, their times are. */
function listedSamples(bytes: Buffer, tables: Tables): number {
  const boxes = (type: string) => tables.get(type) ?? [];
  const sized = [...boxes('stsz'), ...boxes('stz2')].filter(({ start, end }) => end - start >= 12);
  const listed = sized.filter(({ start }) => bytes.readUInt32BE(start + 4) === 0 || boxes('stz2').length > 0);
  const counts = listed.map(({ start }) => bytes.readUInt32BE(start + 8));
  const reordered = boxes('ctts');
  if (reordered.length > 0) counts.push(sumOf(bytes, reordered), sumOf(bytes, boxes('stts')));
  return counts.reduce((most, count) => Math.max(most, count), 0);
}

/** To find one sample, demuxers add up all that lie in its chunk. */
function largestChunk(bytes: Buffer, tables: Tables): number {
  let most = 0;
  for (const table of tables.get('stsc') ?? []) {
    for (const at of entriesOf(bytes, table, 12)) most = Math.max(most, bytes.readUInt32BE(at + 4));
  }
  return most;
}

function editsOf(bytes: Buffer, list: Box, scales: { movie: number; media: number }): Edit[] {
  const isLong = bytes[list.start] === 1;
  const edits: Edit[] = [];
  for (const at of entriesOf(bytes, list, isLong ? 20 : 12)) {
    if (edits.length > MAX_EDITS) break;
    const duration = isLong ? Number(bytes.readBigUInt64BE(at)) : bytes.readUInt32BE(at);
    const media = isLong ? Number(bytes.readBigInt64BE(at + 8)) : bytes.readInt32BE(at + 4);
    edits.push({
      durationSeconds: duration / scales.movie,
      mediaSeconds: media === -1 ? null : media / scales.media,
      rate: bytes.readInt32BE(at + (isLong ? 16 : 8)) / 0x10000,
    });
  }
  return edits;
}

/** From one key sample to the next, or to the end, in the order of decoding. */
function longestKeyGap(bytes: Buffer, times: Box, keys: Box): number {
  const numbers = entriesOf(bytes, keys, 4);
  const nextKey = () => {
    const { value } = numbers.next();
    return value === undefined ? Number.POSITIVE_INFINITY : bytes.readUInt32BE(value);
  };
  let longest = 0;
  let lastKeyAt = 0;
  let key = nextKey();
  let sample = 1;
  let time = 0;
  for (const at of entriesOf(bytes, times, 8)) {
    const count = bytes.readUInt32BE(at);
    const delta = bytes.readUInt32BE(at + 4);
    for (; key < sample + count; key = nextKey()) {
      const keyAt = time + Math.max(0, key - sample) * delta;
      longest = Math.max(longest, keyAt - lastKeyAt);
      lastKeyAt = keyAt;
    }
    sample += count;
    time += count * delta;
  }
  return Math.max(longest, time - lastKeyAt);
}

function identityOf(bytes: Buffer, { start, end }: Box): number | null {
  return end - start < 24 ? null : bytes.readUInt32BE(start + (bytes[start] === 1 ? 20 : 12));
}

function trackOf(bytes: Buffer, box: Box, movieScale: number): MovieTrack {
  const tables = collect(bytes, box, new Map());
  const first = (type: string) => tables.get(type)?.[0];
  const [handler, identity, formats] = [first('hdlr'), first('tkhd'), first('stsd')];
  const [keys, times] = [first('stss'), first('stts')];
  const media = timescaleOf(bytes, first('mdhd'));
  const lists = tables.get('elst') ?? [];
  const samples = listedSamples(bytes, tables);
  return {
    id: identity ? identityOf(bytes, identity) : null,
    handler: handler ? bytes.toString('latin1', handler.start + 8, handler.start + 12) : '',
    formats: formats
      ? [...boxesIn(bytes, formats.start + 8, formats.end)].slice(0, MAX_FORMATS).map(({ type }) => type)
      : [],
    samples,
    chunkSamples: samples === 0 ? 0 : largestChunk(bytes, tables),
    edits: lists.flatMap((list) => editsOf(bytes, list, { movie: movieScale, media })),
    isAmbiguous: ['elst', 'tkhd', 'mdhd'].some((type) => (tables.get(type)?.length ?? 0) > 1),
    isOpenEnded: isOpenEnded(bytes, first('mdhd')),
    longestKeyGapSeconds: keys && times ? longestKeyGap(bytes, times, keys) / media : null,
  };
}

/** Reads the content of a `moov` box (§8.2.1). Throws where a table is broken off. */
export function readMovieTables(moov: Buffer): Movie {
  const boxes = [...boxesIn(moov, 0, moov.byteLength)];
  const headers = boxes.filter(({ type }) => type === 'mvhd');
  const scale = timescaleOf(moov, headers[0]);
  const tracks = boxes.filter(({ type }) => type === 'trak').map((box) => trackOf(moov, box, scale));
  const isAmbiguous = headers.length > 1;
  return {
    timeStepSeconds: 1 / scale,
    tracks: isAmbiguous ? tracks.map((track) => ({ ...track, isAmbiguous })) : tracks,
  };
}
