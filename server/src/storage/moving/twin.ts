import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, link, lstat, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { hashKey, sizeOfKey } from '../hash-key';
import { claimKey, isWithoutHardLinks, moveToKey } from '../library';
import { storageError } from '../storage-error';
import { FILE_MODE, openKey, pathOfKey, type StorageRoot } from '../storage-root';
import { writeAll } from '../write-all';

const PIECE_BYTES = 1024 * 1024;

export interface TwinRequest {
  from: string;
  to: string;
  /** Of the film, as its row says. */
  sha256: string;
}

async function copyInto(target: FileHandle, source: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(PIECE_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await source.read(piece, 0, PIECE_BYTES, position);
    if (bytesRead === 0) break;
    const bytes = piece.subarray(0, bytesRead);
    hash.update(bytes);
    await writeAll(target, bytes, position);
    position += bytesRead;
  }
  // The old name goes later: by then the copy must be on the disk and not in memory alone.
  await target.sync();
  return hash.digest('hex');
}

/**
 * Gives a film a second name by copying it, where a file system knows no hard links. False: the name is taken. Throws
 * `storage-damaged` if what was read is not what the row says; then nothing is left.
 */
export async function copyTwin(root: StorageRoot, { from, to, sha256 }: TwinRequest): Promise<boolean> {
  const part = path.join(root.path, 'incoming', `${randomBytes(16).toString('hex')}.part`);
  const source = await openKey(root, from);
  try {
    const target = await open(part, 'wx', FILE_MODE);
    const copied = await copyInto(target, source).finally(() => target.close());
    if (copied !== sha256) throw storageError('storage-damaged', 'The film is not what was stored: it was not copied.');
    return await moveToKey(root, part, to);
  } finally {
    await source.close();
    await rm(part, { force: true });
  }
}

/** Gives a film a second name without moving a byte, or copies it. False: the name is taken. */
export async function makeTwin(root: StorageRoot, request: TwinRequest): Promise<boolean> {
  // A plain file below the root, and no symbolic link on the way: `link` itself asks for neither.
  await (await openKey(root, request.from)).close();
  try {
    return await claimKey(root, request.to, (target) => link(pathOfKey(root, request.from), target));
  } catch (error) {
    if (!isWithoutHardLinks(error)) throw error;
    return copyTwin(root, request);
  }
}

/**
 * Whether what lies at `to`, which only this film was promised, came there by an earlier `makeTwin`: the same file, an
 * equal one, or the empty one with which a copy claims its name.
 */
export async function isTwin(root: StorageRoot, { from, to, sha256 }: TwinRequest): Promise<boolean> {
  const sizeBytes = await sizeOfKey(root, to);
  if (sizeBytes === null) return false;
  if (sizeBytes === 0) return true;
  const [there, here] = await Promise.all([lstat(pathOfKey(root, to)), lstat(pathOfKey(root, from))]);
  if (there.ino === here.ino && there.dev === here.dev) return true;
  return there.size === here.size && (await hashKey(root, to)) === sha256;
}
