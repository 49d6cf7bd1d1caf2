/** Seconds shown, seconds of the track they begin at (null: nothing is shown), rate. */
export type Edit = [durationSeconds: number, mediaSeconds: number | null, rate?: number];

export interface BoxPlace {
  start: number;
  end: number;
}

/** The first box of a type between two places; its header has 8 bytes. */
function find(bytes: Buffer, type: string, { start, end }: BoxPlace): BoxPlace | null {
  for (let at = start; at + 8 <= end; ) {
    const size = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === type) return { start: at, end: at + size };
    if (size < 8) return null;
    at += size;
  }
  return null;
}

export const content = ({ start, end }: BoxPlace): BoxPlace => ({ start: start + 8, end });

export function need(bytes: Buffer, type: string, within: BoxPlace): BoxPlace {
  const box = find(bytes, type, within);
  if (!box) throw new Error(`no ${type}`);
  return box;
}

export function box(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + body.length, 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, body]);
}

function editList(edits: readonly Edit[], scales: { movie: number; media: number }): Buffer {
  const entries = edits.map(([duration, media, rate = 1]) => {
    const entry = Buffer.alloc(12);
    entry.writeUInt32BE(Math.round(duration * scales.movie), 0);
    entry.writeInt32BE(media === null ? -1 : Math.round(media * scales.media), 4);
    entry.writeInt32BE(Math.round(rate * 0x10000), 8);
    return entry;
  });
  const count = Buffer.alloc(8);
  count.writeUInt32BE(edits.length, 4);
  return box('edts', box('elst', count, ...entries));
}

/** Version 0 of `mvhd` and `mdhd`. */
const timescaleOf = (bytes: Buffer, header: BoxPlace) => bytes.readUInt32BE(header.start + 20);

/**
 * The film with another edit list (ISO/IEC 14496-12 §8.6.6) in its first track. Its tables have to lie behind its data:
 * they change their length.
 */
export function withEdits(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const moov = need(bytes, 'moov', { start: 0, end: bytes.length });
  if (moov.end !== bytes.length) throw new Error('the tables are not at the end');
  const trak = need(bytes, 'trak', content(moov));
  const edts = find(bytes, 'edts', content(trak));
  const mdia = need(bytes, 'mdia', content(trak));
  const movie = timescaleOf(bytes, need(bytes, 'mvhd', content(moov)));
  const media = timescaleOf(bytes, need(bytes, 'mdhd', content(mdia)));
  const place = edts ?? { start: mdia.start, end: mdia.start };
  const changed = editList(edits, { movie, media });
  const track = box('trak', bytes.subarray(trak.start + 8, place.start), changed, bytes.subarray(place.end, trak.end));
  const tables = box('moov', bytes.subarray(moov.start + 8, trak.start), track, bytes.subarray(trak.end, moov.end));
  return Buffer.concat([bytes.subarray(0, moov.start), tables]);
}

/** The film with its first box of a type renamed to one that says nothing. */
export function withoutBox(bytes: Buffer, type: string): Buffer {
  const copy = Buffer.from(bytes);
  copy.write('free', need(copy, type, { start: 0, end: copy.length }).start + 4, 'latin1');
  return copy;
}
