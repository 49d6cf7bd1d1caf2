import { createRequire } from 'node:module';
import { clip } from './clips';

// The same build that the plugin's bundle requires: two of them in one process warn about one another.
const mediabunny: typeof import('mediabunny') = createRequire(import.meta.url)('mediabunny');

/** The first second of the clip as a film of its own, for tests that upload many: 100 KB instead of 22 MB. */
export async function shortFilm(): Promise<Buffer> {
  const { ALL_FORMATS, BufferSource, BufferTarget, Conversion, Input, Mp4OutputFormat, Output } = mediabunny;
  const input = new Input({ formats: ALL_FORMATS, source: new BufferSource(new Uint8Array(clip())) });
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat(), target });
  const cutting = await Conversion.init({ input, output, trim: { start: 0, end: 1 } });
  await cutting.execute();
  input.dispose();
  if (target.buffer === null) throw new Error('nothing was cut');
  return Buffer.from(target.buffer);
}
