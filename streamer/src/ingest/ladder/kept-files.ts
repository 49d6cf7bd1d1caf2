import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { IngestError } from '../ingest-error';
import type { Scratch } from '../scratch';

/** Raise it with every change of how something is encoded. */
const RECIPE_VERSION = 2;
const KEPT = /^(picture|sound)-\d+-[0-9a-f]{32}\.mp4$/;

/** A link is no file, wherever it leads: a tool that was taken over could name another film by it. */
async function isPlainFile(file: string): Promise<boolean> {
  return lstat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function syncPath(file: string): Promise<void> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** One finished part of a rendition. Its name tells how it was made, so that none that was made otherwise is taken for it. */
export function keptName(kind: 'picture' | 'sound', number: number, recipe: unknown): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([RECIPE_VERSION, recipe]))
    .digest('hex')
    .slice(0, 32);
  return `${kind}-${String(number).padStart(5, '0')}-${digest}.mp4`;
}

/** What earlier attempts have finished stays; the rest of it goes. */
export async function keepOnly({ shared }: Scratch, wanted: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(shared)) {
    if (KEPT.test(name) && !wanted.has(name)) await rm(path.join(shared, name), { force: true });
  }
}

/** Whether an attempt has finished any of these. */
export async function hasAny({ shared }: Scratch, names: readonly string[]): Promise<boolean> {
  const there = new Set(await readdir(shared));
  return names.some((name) => there.has(name));
}

/**
 * The path of a part, made by `make` unless it is there. It appears at once and whole, and survives this process: written in
 * the attempt's own directory, synced, renamed. What is no plain file is none: it is removed, and made anew. Throws
 * `output-invalid` where `make` left no plain file.
 */
export async function kept(
  { shared, work }: Scratch,
  name: string,
  make: (file: string) => Promise<void>,
): Promise<string> {
  const target = path.join(shared, name);
  if (await isPlainFile(target)) return target;
  const draft = path.join(work, name);
  for (const leftover of [target, draft]) await rm(leftover, { recursive: true, force: true });
  await make(draft);
  if (!(await isPlainFile(draft))) {
    await rm(draft, { recursive: true, force: true });
    throw new IngestError('output-invalid', 'a tool left no plain file');
  }
  await syncPath(draft);
  await rename(draft, target);
  await syncPath(shared);
  return target;
}
