import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CustomSource } from 'mediabunny';
import { SNIFF_BYTES } from './content-sniff';
import { TooComplex } from './limits';

const CACHE_BYTES = 8 * 1024 * 1024;

/** An opened film that nobody has looked into yet. */
export interface FilmFile {
  sizeBytes: number;
  /** Throws `TooComplex` where that is more than may be read at once, and where the file ends before. */
  read(start: number, end: number): Promise<Buffer>;
  /** Fewer than `SNIFF_BYTES` only of a shorter file. */
  head(): Promise<Buffer>;
  /** For a demuxer. */
  source(): CustomSource;
  close(): Promise<void>;
}

async function readInto(handle: FileHandle, bytes: Buffer, start: number): Promise<void> {
  let filled = 0;
  while (filled < bytes.byteLength) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.byteLength - filled, start + filled);
    if (bytesRead === 0) throw new Error('The film ends before its recorded size.');
    filled += bytesRead;
  }
}

/** Opens a regular file; no symbolic link is followed. Throws what the file system throws. */
export async function openFilmFile(path: string, maxReadBytes: number): Promise<FilmFile> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const sizeBytes = (await handle.stat()).size;

  async function read(start: number, end: number): Promise<Buffer> {
    // Before a byte is touched: what was reserved for it until now is no memory yet.
    if (end - start > maxReadBytes) throw new TooComplex(`The film asks for ${end - start} bytes at once.`);
    const bytes = Buffer.allocUnsafeSlow(end - start);
    await readInto(handle, bytes, start);
    return bytes;
  }

  return {
    sizeBytes,
    read,
    head: () => read(0, Math.min(SNIFF_BYTES, sizeBytes)),
    source: () =>
      new CustomSource({
        getSize: () => sizeBytes,
        read,
        prefetchProfile: 'fileSystem',
        maxCacheSize: CACHE_BYTES,
        // A failed read-ahead: whoever needs these bytes asks for them again.
        handleUnhandledError: () => undefined,
      }),
    close: () => handle.close(),
  };
}
