/**
 * Reads an FLV file (Adobe FLV v10.1 §E.2 to §E.4); a tag that is not complete ends it.
 * @param {Buffer} bytes
 * @returns {{ hasAudio: boolean, hasVideo: boolean, tags: { type: number, timestampMs: number, body: Buffer }[] }}
 */
export function readFlv(bytes) {
  /** @type {{ type: number, timestampMs: number, body: Buffer }[]} */
  const tags = [];
  if (bytes.length < 13) return { hasAudio: false, hasVideo: false, tags };
  if (bytes.toString('latin1', 0, 3) !== 'FLV' || bytes[3] !== 1) throw new Error('this is no FLV file');
  const flags = bytes[4] ?? 0;
  let at = 13;
  while (at + 15 <= bytes.length) {
    const size = bytes.readUIntBE(at + 1, 3);
    const end = at + 11 + size;
    if (end + 4 > bytes.length) break;
    if (bytes.readUInt32BE(end) !== 11 + size) throw new Error(`the tag at ${at} is followed by a wrong size`);
    const timestampMs = bytes.readUIntBE(at + 4, 3) + (bytes[at + 7] ?? 0) * 0x1000000;
    tags.push({ type: bytes[at] ?? 0, timestampMs, body: bytes.subarray(at + 11, end) });
    at = end + 4;
  }
  return { hasAudio: (flags & 4) !== 0, hasVideo: (flags & 1) !== 0, tags };
}

/**
 * Coded pictures of an FLV file, with the times at which they are decoded and shown.
 * @param {Buffer} bytes
 */
export function picturesOf(bytes) {
  return readFlv(bytes)
    .tags.filter(({ type, body }) => type === 9 && ((body[0] ?? 0) & 0x0f) === 7 && body[1] === 1)
    .map(({ timestampMs, body }) => ({ dtsMs: timestampMs, ptsMs: timestampMs + body.readIntBE(2, 3) }));
}
