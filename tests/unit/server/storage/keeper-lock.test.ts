import { chown, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockLibrary } from '../../../../server/src/storage/keeper-lock';
import { openStorageRoot, type StorageRoot } from '../../../../server/src/storage/storage-root';

let directory: string;
let root: StorageRoot;
const lock = () => path.join(root.path, 'keeping.lock');
const hold = (holder: object) => writeFile(lock(), JSON.stringify({ mark: 'x', ...holder }));

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pvod-lock-'));
  root = openStorageRoot(path.join(directory, 'storage'), path.join(directory, 'public'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('one holds it, the next is told so, and after the release may have it', async () => {
  const release = await lockLibrary(root);
  await expect(lockLibrary(root)).rejects.toMatchObject({ code: 'storage-busy' });
  await release();
  await (await lockLibrary(root))();
  expect(await readdir(root.path)).not.toContain('keeping.lock');
});

test.skipIf(process.geteuid?.() !== 0)('root is refused where the storage is another user’s', async () => {
  await chown(root.path, 1234, 1234);
  await expect(lockLibrary(root)).rejects.toMatchObject({ code: 'storage-wrong-user' });
  expect(await readdir(root.path)).not.toContain('keeping.lock');
});

test('of many at once one gets it', async () => {
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => lockLibrary(root)));
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test.each([
  ['a process of this machine that is dead', { host: hostname(), pid: 2 ** 22 - 3 }],
  ['an earlier process that had this id', { host: hostname(), pid: process.pid }],
])('the lock of %s holds nobody up', async (_, holder) => {
  await hold(holder);
  await (await lockLibrary(root))();
});

test('the lock of a living process stays, and that of another machine as long as it is renewed', async () => {
  await hold({ host: hostname(), pid: process.ppid });
  await expect(lockLibrary(root)).rejects.toMatchObject({ code: 'storage-busy' });
  await hold({ host: 'elsewhere', pid: 1 });
  await expect(lockLibrary(root)).rejects.toMatchObject({ code: 'storage-busy' });
  const longAgo = new Date(Date.now() - 3_600_000);
  await utimes(lock(), longAgo, longAgo);
  await (await lockLibrary(root))();
});
