/** A box of an ISO base media file (ISO/IEC 14496-12 §4.2): where its content lies. */
export interface Box {
  type: string;
  start: number;
  end: number;
}

export const BOX_HEADER_BYTES = 16;

/** The box that begins with `header` at `at`, the last one reaching to `limit`; null: no box begins there. */
export function readBox(header: Buffer, at: number, limit: number): Box | null {
  if (header.byteLength < 8) return null;
  const type = header.toString('latin1', 4, 8);
  const short = header.readUInt32BE(0);
  if (short === 0) return { type, start: at + 8, end: limit };
  if (short !== 1) return short < 8 ? null : { type, start: at + 8, end: at + short };
  if (header.byteLength < BOX_HEADER_BYTES) return null;
  const long = Number(header.readBigUInt64BE(8));
  return long < BOX_HEADER_BYTES ? null : { type, start: at + BOX_HEADER_BYTES, end: at + long };
}

/** The boxes of a piece of memory, one after the other; what is no box, or reaches beyond the end, ends them. */
export function* boxesIn(bytes: Buffer, start: number, end: number): Generator<Box> {
  for (let at = start; at < end; ) {
    const box = readBox(bytes.subarray(at, Math.min(at + BOX_HEADER_BYTES, end)), at, end);
    if (box === null || box.end > end) return;
    yield box;
    at = box.end;
  }
}
