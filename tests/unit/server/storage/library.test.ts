import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { placeInLibrary } from '../../../../server/src/storage/library';
import { receivePart } from '../../../../server/src/storage/receive';
import { openStorageRoot, type StorageRoot } from '../../../../server/src/storage/storage-root';
import { site2 } from '../../../../server/src/storage/strategies/site2';
import { sweepIncoming } from '../../../../server/src/storage/sweep-incoming';
import { moveToTrash, restoreFromTrash } from '../../../../server/src/storage/trash';

let directory: string;
let root: StorageRoot;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pvod-library-'));
  root = openStorageRoot(path.join(directory, 'storage'), path.join(directory, 'public'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function* pieces(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

async function place(text: string, isReserved = async (_: string) => false): Promise<string> {
  const part = await receivePart(root, pieces(text), { maxBytes: 1000 });
  const where = { assetId: 'asset1', folders: ['Uni'], fileName: 'a.mp4' };
  return placeInLibrary(root, { partPath: part.path, place: where, strategy: site2, isReserved });
}

const read = (key: string) => readFile(path.join(root.path, key), 'utf8');
const listIncoming = () => readdir(path.join(root.path, 'incoming'));

describe('receiving', () => {
  test('counts and hashes', async () => {
    const part = await receivePart(root, pieces('ab', 'c'), { maxBytes: 3 });
    expect(part.sizeBytes).toBe(3);
    // FIPS 180-4, example of SHA-256.
    expect(part.sha256).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  test('one byte too many leaves nothing', async () => {
    await expect(receivePart(root, pieces('ab', 'cd'), { maxBytes: 3 })).rejects.toMatchObject({
      code: 'storage-too-large',
    });
    expect(await listIncoming()).toEqual([]);
  });

  test('a stream that breaks off leaves nothing', async () => {
    async function* broken() {
      yield Buffer.from('ab');
      throw new Error('connection lost');
    }
    await expect(receivePart(root, broken(), { maxBytes: 1000 })).rejects.toThrow('connection lost');
    expect(await listIncoming()).toEqual([]);
  });
});

describe('placing', () => {
  test('films that come at the same time never overwrite one another', async () => {
    const texts = Array.from({ length: 12 }, (_, index) => `film ${index}`);
    const keys = await Promise.all(texts.map((text) => place(text)));
    expect(new Set(keys).size).toBe(12);
    expect(await Promise.all(keys.map(read))).toEqual(texts);
    expect(keys.toSorted()[0]).toBe('library/Uni/a (10).mp4');
  });

  test('a name that is promised to a film in the trash stays free', async () => {
    expect(await place('x', async (key) => key === 'library/Uni/a.mp4')).toBe('library/Uni/a (2).mp4');
  });
});

describe('the trash', () => {
  const today = new Date('2026-02-03T23:59:00Z');

  test('keeps a film by day and asset; emptied folders go; restoring brings it back', async () => {
    const key = await place('x');
    const trashKey = await moveToTrash(root, key, 'asset1', today);
    expect(trashKey).toBe('trash/2026-02-03/asset1/a.mp4');
    expect(await readdir(path.join(root.path, 'library'))).toEqual([]);
    await restoreFromTrash(root, trashKey, key);
    expect(await read(key)).toBe('x');
    expect(await readdir(path.join(root.path, 'trash'))).toEqual([]);
  });

  test('does not restore over a film that has the name now', async () => {
    const key = await place('old');
    const trashKey = await moveToTrash(root, key, 'asset1', today);
    await place('new');
    await expect(restoreFromTrash(root, trashKey, key)).rejects.toMatchObject({ code: 'storage-name-taken' });
    expect(await read(key)).toBe('new');
    expect(await read(trashKey)).toBe('old');
  });
});

test('the sweep removes what is older and nobody will ask for', async () => {
  const [upload, linked] = ['aa.part', 'bb'].map((name) => path.join(root.path, 'incoming', name));
  await writeFile(upload ?? '', 'x');
  await writeFile(linked ?? '', 'x');
  // A film that was made long ago, and linked here a moment ago.
  await utimes(linked ?? '', new Date(0), new Date(0));
  const sweep = (ageMs: number, ...spared: string[]) =>
    sweepIncoming(root, { before: new Date(Date.now() - ageMs), spared: new Set(spared) });
  expect(await sweep(60_000)).toBe(0);
  expect(await sweep(-60_000, 'aa', 'bb')).toBe(0);
  expect(await sweep(-60_000, 'aa')).toBe(1);
  expect(await listIncoming()).toEqual(['aa.part']);
});
