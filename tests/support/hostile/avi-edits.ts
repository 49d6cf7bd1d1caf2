/** A chunk of RIFF: its name, its content, and where it lies. */
interface Chunk {
  start: number;
  end: number;
}

const HEADER_BYTES = 8;
const LIST_BYTES = 12;

export function riff(type: string, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(content.length);
  return Buffer.concat([Buffer.from(type, 'latin1'), size, content, Buffer.alloc(content.length % 2)]);
}

const list = (type: string, ...parts: Buffer[]) => riff('LIST', Buffer.from(type, 'latin1'), ...parts);

/** The first chunk of this name, or list of this type, between two places. */
function need(bytes: Buffer, name: string, start = LIST_BYTES, stop = bytes.length): Chunk {
  for (let at = start; at + HEADER_BYTES <= stop; ) {
    const end = at + HEADER_BYTES + bytes.readUInt32LE(at + 4);
    const isList = bytes.toString('latin1', at, at + 4) === 'LIST';
    const type = isList ? at + HEADER_BYTES : at;
    if (bytes.toString('latin1', type, type + 4) === name) return { start: at, end };
    at = end + (end % 2);
  }
  throw new Error(`There is no ${name}.`);
}

const STREAMS_AT = HEADER_BYTES + 24;

/** With these descriptions of streams behind the others, and these packets behind all. */
function withParts(avi: Buffer, streams: readonly Buffer[], packets: readonly Buffer[]): Buffer {
  const header = need(avi, 'hdrl');
  const main = need(avi, 'avih', header.start + LIST_BYTES, header.end);
  const bytes = Buffer.from(avi);
  bytes.writeUInt32LE(bytes.readUInt32LE(main.start + STREAMS_AT) + streams.length, main.start + STREAMS_AT);
  const movie = need(bytes, 'movi');
  return riff(
    'RIFF',
    Buffer.from('AVI ', 'latin1'),
    list('hdrl', bytes.subarray(header.start + LIST_BYTES, header.end), ...streams),
    bytes.subarray(header.end, movie.start),
    list('movi', bytes.subarray(movie.start + LIST_BYTES, movie.end), ...packets),
    bytes.subarray(movie.end + (movie.end % 2)),
  );
}

function countOf(avi: Buffer): number {
  const header = need(avi, 'hdrl');
  return avi.readUInt32LE(need(avi, 'avih', header.start + LIST_BYTES, header.end).start + STREAMS_AT);
}

/** The first stream so many times more, without any packet. */
export function withMoreStreams(avi: Buffer, count: number): Buffer {
  const header = need(avi, 'hdrl');
  const first = need(avi, 'strl', header.start + LIST_BYTES, header.end);
  const stream = avi.subarray(first.start, first.end + (first.end % 2));
  return withParts(avi, Array(count).fill(stream), []);
}

/** With subtitles as AVI has them: a file within (GAB2), of whatever form. */
export function withSubtitles(avi: Buffer, text: string): Buffer {
  const description = Buffer.alloc(56);
  description.write('txts', 'latin1');
  for (const at of [20, 24, 32]) description.writeUInt32LE(1, at);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(text));
  const subtitles = Buffer.concat([Buffer.from('GAB2\0\x02\0\0\0\0\0\x04\0', 'latin1'), length, Buffer.from(text)]);
  const name = `${String(countOf(avi)).padStart(2, '0')}tx`;
  return withParts(avi, [list('strl', riff('strh', description), riff('strf'))], [riff(name, subtitles)]);
}
