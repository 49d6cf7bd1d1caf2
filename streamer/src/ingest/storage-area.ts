import { mkdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { StreamError } from '../errors';

/** What root writes, nobody else can read. */
async function refuseRoot(root: string): Promise<void> {
  const { uid } = await stat(root);
  if (uid === 0 || process.geteuid?.() !== 0) return;
  throw new StreamError('settings-invalid', `Run this as the user that Strapi runs as (user id ${uid}), not as root.`);
}

/**
 * The real path of the storage root, with its area `ingest`: all that a worker writes lies there. Throws `StreamError`
 * `settings-invalid` or `storage-unreadable`.
 */
export async function openStorageArea(storageRoot: string): Promise<string> {
  try {
    const root = await realpath(storageRoot);
    await refuseRoot(root);
    await mkdir(path.join(root, 'ingest'), { recursive: true, mode: 0o700 });
    return root;
  } catch (cause) {
    if (cause instanceof StreamError) throw cause;
    throw new StreamError('storage-unreadable', 'The storage root cannot be used.', { cause });
  }
}
