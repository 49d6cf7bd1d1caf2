import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { hasErrno, storageError } from './storage-error';
import { FILE_MODE, type StorageRoot } from './storage-root';

const BEAT_MS = 5000;
/** Of a machine that cannot be asked whether its process lives. */
const DEAD_AFTER_MS = 60_000;

const holderSchema = z.object({ host: z.string(), pid: z.number().int().positive(), mark: z.string() });

/** Texts of the locks that this process holds: one with its id that is not among them is of a process before it. */
const held = new Set<string>();

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasErrno(error, 'ESRCH');
  }
}

async function isDead(lock: string, text: string): Promise<boolean> {
  const { mtimeMs } = await stat(lock);
  let holder: unknown;
  try {
    holder = JSON.parse(text);
  } catch {
    holder = null;
  }
  const known = holderSchema.safeParse(holder).data;
  if (known?.host === hostname()) return known.pid === process.pid ? !held.has(text) : !isRunning(known.pid);
  return Date.now() - mtimeMs > DEAD_AFTER_MS;
}

/** Takes the lock of a dead process out of the way. Who meets a fresh one puts it back. */
async function clearDead(lock: string): Promise<void> {
  try {
    const text = await readFile(lock, 'utf8');
    if (!(await isDead(lock, text))) return;
    const aside = `${lock}.${randomBytes(8).toString('hex')}`;
    await rename(lock, aside);
    if ((await readFile(aside, 'utf8')) !== text) await link(aside, lock).catch(() => undefined);
    await rm(aside, { force: true });
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}

/** What root writes, nobody else can read: Strapi and the streamers would lose what was moved. */
async function refuseRoot(root: StorageRoot): Promise<void> {
  const { uid } = await stat(root.path);
  if (uid === 0 || process.geteuid?.() !== 0) return;
  throw storageError('storage-wrong-user', `Run this as the user that Strapi runs as (user id ${uid}), not as root.`);
}

/**
 * Keeps other processes that share the storage root from changing the library as a whole, until what is returned is
 * called. Throws `storage-busy` and `storage-wrong-user`. Uploads, deletions and playback are not held up.
 */
export async function lockLibrary(root: StorageRoot): Promise<() => Promise<void>> {
  await refuseRoot(root);
  const lock = path.join(root.path, 'keeping.lock');
  await clearDead(lock);
  const text = JSON.stringify({ host: hostname(), pid: process.pid, mark: randomBytes(8).toString('hex') });
  held.add(text);
  try {
    await writeFile(lock, text, { mode: FILE_MODE, flag: 'wx' });
  } catch (error) {
    held.delete(text);
    if (!hasErrno(error, 'EEXIST')) throw error;
    throw storageError('storage-busy', 'Another command is at work on this storage. Wait until it has ended.', error);
  }
  const beat = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => undefined), BEAT_MS);
  return async () => {
    clearInterval(beat);
    held.delete(text);
    if ((await readFile(lock, 'utf8').catch(() => '')) === text) await rm(lock, { force: true });
  };
}
