import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { SNIFF_BYTES } from '../../storage/inspection/content-sniff';
import type { UploadFile } from './provider';

async function headOfPath(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function headOfFreshStream(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop destroys the stream; it was opened for this alone.
  for await (const piece of stream) {
    pieces.push(piece as Buffer);
    bytes += (piece as Buffer).byteLength;
    if (bytes >= SNIFF_BYTES) break;
  }
  return Buffer.concat(pieces).subarray(0, SNIFF_BYTES);
}

/** Reads the head of a stream that cannot be opened again and puts a stream that begins anew in its place. */
async function headOfOnlyStream(file: UploadFile, stream: Readable): Promise<Buffer> {
  const iterator: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
  const pieces: Buffer[] = [];
  let bytes = 0;
  while (bytes < SNIFF_BYTES) {
    const next = await iterator.next();
    if (next.done) break;
    pieces.push(next.value);
    bytes += next.value.byteLength;
  }
  file.stream = Readable.from(
    (async function* replay() {
      yield* pieces;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    })(),
  );
  return Buffer.concat(pieces).subarray(0, SNIFF_BYTES);
}

/** The first bytes of an upload, without using up what the provider will read. */
export async function headOfFile(file: UploadFile): Promise<Buffer> {
  if (file.buffer) return file.buffer.subarray(0, SNIFF_BYTES);
  if (file.filepath) return headOfPath(file.filepath);
  if (file.getStream) return headOfFreshStream(file.getStream());
  return file.stream ? headOfOnlyStream(file, file.stream) : Buffer.alloc(0);
}
