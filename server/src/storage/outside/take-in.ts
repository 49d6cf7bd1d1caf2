import { createReadStream } from 'node:fs';
import { link, lstat, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { VodError } from '../../errors';
import { isWithoutHardLinks } from '../library';
import { type ReceivedPart, receivePart } from '../receive';
import { sha256Of } from '../sha256';
import { hasErrno } from '../storage-error';
import type { StorageRoot } from '../storage-root';
import type { OutsideFile } from './outside-file';

const WRITABLE_BY_OTHERS = 0o022;

/** SHA-256 (lower-case hex) of an open file. Throws `file-changed`. */
export async function hashOutside(file: OutsideFile): Promise<string> {
  const sha256 = await sha256Of(file.bytes());
  await file.refuseIfChanged();
  return sha256;
}

/** Copies an open file to `incoming/<id>.part`. Throws `file-changed`, `storage-full`; nothing is left then. */
export async function copyIn(
  root: StorageRoot,
  file: OutsideFile,
  { id, minFreeBytes }: { id: string; minFreeBytes: number },
): Promise<ReceivedPart> {
  const part = await receivePart(root, file.bytes(), { maxBytes: file.stats.size, minFreeBytes, id });
  try {
    await file.refuseIfChanged();
    return part;
  } catch (error) {
    await rm(part.path, { force: true });
    throw error;
  }
}

/**
 * Whether a second name of the file is safe to keep: it belongs to the user that the storage belongs to, and nobody else
 * may write to it. Through a name outside, it would be changed inside.
 */
async function refuseIfShared(root: StorageRoot, { stats }: OutsideFile): Promise<void> {
  const { uid } = await stat(root.path);
  if (stats.uid === uid && (stats.mode & WRITABLE_BY_OTHERS) === 0) return;
  throw new VodError('link-unsafe', 'Other users may write to it, so it must be copied, not linked.');
}

async function linkTo(file: OutsideFile, part: string): Promise<void> {
  try {
    await link(file.path, part);
  } catch (error) {
    if (!hasErrno(error, 'EXDEV') && !isWithoutHardLinks(error)) throw error;
    throw new VodError('link-impossible', 'It cannot be linked into the storage, so it must be copied.', {
      cause: error,
    });
  }
  const linked = await lstat(part);
  if (linked.isFile() && linked.ino === file.stats.ino && linked.dev === file.stats.dev) return;
  throw new VodError('file-changed', 'It was changed while it was read.');
}

/**
 * Gives an open file a second name, `incoming/<id>.part`, and hashes it there; no byte is written. Throws `link-unsafe`,
 * `link-impossible` (another volume, no hard links), `file-changed`; nothing is left then.
 */
export async function linkIn(root: StorageRoot, file: OutsideFile, id: string): Promise<ReceivedPart> {
  await refuseIfShared(root, file);
  const part = path.join(root.path, 'incoming', `${id}.part`);
  try {
    await linkTo(file, part);
    const sha256 = await sha256Of(createReadStream(part, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>);
    await file.refuseIfChanged();
    return { path: part, sizeBytes: file.stats.size, sha256 };
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
