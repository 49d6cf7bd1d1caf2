const CONTAINERS = new Set(['moov', 'trak', 'mdia']);
const TIMED = new Set(['mvhd', 'tkhd', 'mdhd']);
const BOX_HEADER_BYTES = 8;
const FULL_BOX_BYTES = 4;

/**
 * Sets the times of creation and modification in an init segment to 0, "unknown" (ISO/IEC 14496-12 §8.2.2.3), in
 * place: every streamer of a site then writes the same bytes, under the same ETag.
 */
export function clearTimes(initSegment: Buffer, from = 0, to = initSegment.length): void {
  for (let at = from; at + BOX_HEADER_BYTES <= to; ) {
    const size = initSegment.readUInt32BE(at);
    // 0 and 1 are other forms of a size, which no init segment needs.
    if (size < BOX_HEADER_BYTES || at + size > to) return;
    const type = initSegment.toString('latin1', at + 4, at + BOX_HEADER_BYTES);
    const body = at + BOX_HEADER_BYTES;
    if (CONTAINERS.has(type)) clearTimes(initSegment, body, at + size);
    if (TIMED.has(type)) {
      const bytes = initSegment[body] === 1 ? 16 : 8;
      initSegment.fill(0, body + FULL_BOX_BYTES, Math.min(body + FULL_BOX_BYTES + bytes, at + size));
    }
    at += size;
  }
}
