import { createRequire } from 'node:module';

// The same build that the plugin's bundle requires: two of them in one process warn about one another.
/** @type {typeof import('mediabunny')} */
const { ALL_FORMATS, BufferSource, EncodedPacketSink, Input } = createRequire(import.meta.url)('mediabunny');

/**
 * Counts the coded video frames of a film in memory.
 * @param {Buffer} bytes
 */
export async function countVideoFrames(bytes) {
  return (await readVideoFrames(bytes, true)).length;
}

/**
 * The coded video frames of a film in memory, in the order in which they are stored; also those that an edit list hides.
 * @param {Buffer} bytes
 * @param {boolean} [metadataOnly] they are empty then
 * @returns {Promise<Buffer[]>}
 */
export async function readVideoFrames(bytes, metadataOnly = false) {
  const input = new Input({ formats: ALL_FORMATS, source: new BufferSource(new Uint8Array(bytes)) });
  try {
    const track = await input.getPrimaryVideoTrack();
    if (!track) return [];
    /** @type {Buffer[]} */
    const frames = [];
    for await (const { data } of new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly }))
      frames.push(Buffer.from(data));
    return frames;
  } finally {
    input.dispose();
  }
}
