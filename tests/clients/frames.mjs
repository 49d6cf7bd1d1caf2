import { createRequire } from 'node:module';

// The same build that the plugin's bundle requires: two of them in one process warn about one another.
/** @type {typeof import('mediabunny')} */
const { ALL_FORMATS, BufferSource, EncodedPacketSink, Input } = createRequire(import.meta.url)('mediabunny');

/**
 * Counts the coded video frames of a film in memory.
 * @param {Buffer} bytes
 */
export async function countVideoFrames(bytes) {
  const input = new Input({ formats: ALL_FORMATS, source: new BufferSource(new Uint8Array(bytes)) });
  try {
    const track = await input.getPrimaryVideoTrack();
    if (!track) return 0;
    let frames = 0;
    for await (const _packet of new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true }))
      frames += 1;
    return frames;
  } finally {
    input.dispose();
  }
}
