import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { VodError } from '../../errors';
import { SNIFF_BYTES } from '../inspection/content-sniff';
import { hasErrno } from '../storage-error';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const PIECE_BYTES = 1024 * 1024;

function outsideError(code: 'file-missing' | 'file-not-plain' | 'file-changed', message: string): VodError {
  return new VodError(code, message);
}

/** Whether two looks were at the same bytes, as far as a file system tells. */
function isUnchanged(before: Stats, now: Stats): boolean {
  return (['ino', 'dev', 'size', 'mtimeMs'] as const).every((name) => before[name] === now[name]);
}

/** A plain file outside the storage root, held open. Whoever writes there is not us: it may change at any time. */
export class OutsideFile {
  private constructor(
    /** Absolute, without symbolic links. */
    readonly path: string,
    readonly handle: FileHandle,
    readonly stats: Stats,
  ) {}

  /**
   * Opens `name` (POSIX, relative) below a directory that has been resolved. Throws `VodError` `file-missing`, or
   * `file-not-plain` for what is no plain file or is reached by a symbolic link.
   */
  static async open(directory: string, name: string): Promise<OutsideFile> {
    const target = path.join(directory, ...name.split('/'));
    const handle = await openPlain(target);
    try {
      const stats = await handle.stat();
      if (stats.isFile() && (await isReachedPlainly(directory, target, stats))) {
        return new OutsideFile(target, handle, stats);
      }
      throw outsideError('file-not-plain', 'It is no plain file, or is reached by a symbolic link.');
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async head(): Promise<Buffer> {
    const { bytesRead, buffer } = await this.handle.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  }

  /** From the first byte, as often as wanted. Not a stream: one that is left early closes the handle. */
  async *bytes(): AsyncGenerator<Buffer> {
    for (let position = 0; ; ) {
      const { bytesRead, buffer } = await this.handle.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES, position);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      position += bytesRead;
    }
  }

  /** Throws `file-changed` if it was written to since it was opened, as far as can be told. */
  async refuseIfChanged(): Promise<void> {
    if (isUnchanged(this.stats, await this.handle.stat())) return;
    throw outsideError('file-changed', 'It was changed while it was read.');
  }

  /** Whether the name still leads to what was opened, as it was then. */
  async isStillThere(): Promise<boolean> {
    return lstat(this.path).then(
      (now) => isUnchanged(this.stats, now),
      () => false,
    );
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

async function openPlain(target: string): Promise<FileHandle> {
  try {
    // Not to be kept waiting by a pipe that has taken the name.
    return await open(target, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) throw outsideError('file-missing', 'It is not there.');
    if (!hasErrno(error, 'ELOOP')) throw error;
    throw outsideError('file-not-plain', 'It is a symbolic link.');
  }
}

/** Asked of the open file and not before: what the path led to a moment ago says nothing. */
async function isReachedPlainly(directory: string, target: string, { ino, dev }: Stats): Promise<boolean> {
  try {
    if ((await realpath(target)) !== target || !target.startsWith(directory + path.sep)) return false;
    const there = await lstat(target);
    return there.ino === ino && there.dev === dev;
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) return false;
    throw error;
  }
}
