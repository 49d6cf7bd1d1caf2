import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import {
  ADTS,
  CustomSource,
  FLAC,
  Input,
  type InputFormat,
  MATROSKA,
  MP3,
  MP4,
  MPEG_TS,
  OGG,
  QTFF,
  WAVE,
  WEBM,
} from 'mediabunny';
import { ReadAhead } from './read-ahead';

/** Never all formats: an uploaded HLS playlist names further files, and nothing an upload says may become a path. */
const FORMATS: InputFormat[] = [MP4, QTFF, MATROSKA, WEBM, MPEG_TS, MP3, ADTS, FLAC, OGG, WAVE];

const READ_CACHE_BYTES = 2 * 1024 * 1024;

interface FileIdentity {
  dev: number;
  ino: number;
  size: number;
  mtimeMs: number;
}

function formatStamp(file: FileIdentity): string {
  return `${file.dev}:${file.ino}:${file.size}:${file.mtimeMs}`;
}

/** What tells one file apart from another that takes its place under the same path. */
export async function stampOf(path: string): Promise<string> {
  return formatStamp(await stat(path));
}

/** One opened file. Closes its handle once it is retired and nobody uses it. */
export class Film {
  readonly input: Input;
  #users = 0;
  #retired = false;
  #fault: unknown;

  private constructor(
    readonly stamp: string,
    readonly sizeBytes: number,
    private readonly handle: FileHandle,
  ) {
    const file = new ReadAhead(handle, sizeBytes);
    this.input = new Input({
      formats: FORMATS,
      source: new CustomSource({
        getSize: () => sizeBytes,
        read: (start, end) => file.read(start, end),
        prefetchProfile: 'fileSystem',
        maxCacheSize: READ_CACHE_BYTES,
        // A failed read-ahead has no caller to tell: the pool opens the film anew for the next one.
        handleUnhandledError: (error) => {
          this.#fault = error;
        },
      }),
    });
  }

  /** Throws for what is no plain file, without waiting for whoever is at its other end. */
  static async open(path: string): Promise<Film> {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const file = await handle.stat();
      if (!file.isFile()) throw new Error('it is no plain file');
      return new Film(formatStamp(file), file.size, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get usable(): boolean {
    return !this.#retired && this.#fault === undefined;
  }

  /** Runs `task` with the film held open. `usable` must have been seen true in the same tick. */
  async use<T>(task: (film: Film) => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      return await task(this);
    } finally {
      this.#users -= 1;
      await this.#closeWhenIdle();
    }
  }

  /** No new users from now on. */
  async retire(): Promise<void> {
    if (this.#retired) return;
    this.#retired = true;
    await this.#closeWhenIdle();
  }

  async #closeWhenIdle(): Promise<void> {
    if (!this.#retired || this.#users > 0 || this.input.disposed) return;
    this.input.dispose();
    await this.handle.close();
  }
}
