import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isStorageKey } from '../../../../server/contracts';
import { newAssetId } from '../../../../server/src/storage/asset-id';
import { placeInLibrary, removeFromLibrary } from '../../../../server/src/storage/library';
import { metadataKeyOf } from '../../../../server/src/storage/metadata';
import { receivePart } from '../../../../server/src/storage/receive';
import { openStorageRoot, type StorageRoot } from '../../../../server/src/storage/storage-root';
import { type FilmPlace, STRATEGIES, STRATEGY_NAMES } from '../../../../server/src/storage/strategies';
import { moveToTrash, restoreFromTrash } from '../../../../server/src/storage/trash';

let directory: string;
let root: StorageRoot;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pvod-strategies-'));
  root = openStorageRoot(path.join(directory, 'storage'), path.join(directory, 'public'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function* pieces(text: string) {
  yield Buffer.from(text);
}

const fold = (key: string) => key.normalize('NFC').toUpperCase().toLowerCase();
const read = (key: string) => readFile(path.join(root.path, key), 'utf8');
const ID = 'k3vqv4m2x9p0a7b6c5d4e3f2';

async function filesIn(area: string): Promise<string[]> {
  const entries = await readdir(path.join(root.path, area), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

const HOSTILE_FOLDERS = [
  [],
  ['..', '..', 'etc'],
  ['.git', 'a/b', 'c\\d', ''],
  ['/', '%2e%2e', '\u0000', 'CON', 'nul.txt', 'lpt1'],
  ['x'.repeat(300), 'ж'.repeat(300), '💾'.repeat(300)],
  Array<string>(40).fill('deep'),
  ['Uni ', ' Uni.', '\u202eUni'],
];
const HOSTILE_NAMES = [
  ...['', '.', '..', '../../etc/passwd', '.htaccess', 'con.mp4', 'AUX', 'a/b\\c.mp4', 'film.mp4.vod.json', 'film.'],
  ...[
    `${'y'.repeat(400)}.mp4`,
    `${'👩‍🚀é'.repeat(100)}.mp4`,
    `film.${'z'.repeat(100)}`,
    'e\u0301te\u0301.MP4',
    '\ud800.mp4',
  ],
];

describe.each(STRATEGY_NAMES)('strategy %s', (name) => {
  const strategy = STRATEGIES[name];

  async function place(text: string, where: Partial<FilmPlace> = {}, isReserved = async (_: string) => false) {
    const part = await receivePart(root, pieces(text), { maxBytes: 1000 });
    const full = { assetId: newAssetId(), folders: ['Uni'], fileName: 'a.mp4', ...where };
    return placeInLibrary(root, { partPath: part.path, place: full, strategy, isReserved });
  }

  test('whatever folders and films are called, the key is one that file systems and the database can hold', () => {
    for (const folders of HOSTILE_FOLDERS) {
      for (const fileName of HOSTILE_NAMES) {
        for (const ordinal of [1, 2, 10_000]) {
          const key = strategy.keyOf({ assetId: ID, folders, fileName }, ordinal);
          expect(isStorageKey(key), key).toBe(true);
          expect(isStorageKey(metadataKeyOf(key)), key).toBe(true);
          expect(key.startsWith('library/'), key).toBe(true);
          expect(key.length, key).toBeLessThanOrEqual(255);
          expect(`trash/2026-02-03/${ID}/${path.posix.basename(key)}`.length, key).toBeLessThanOrEqual(255);
          expect(key.endsWith('.vod.json'), key).toBe(false);
          expect(key, 'composed').toBe(key.normalize('NFC'));
          expect(key).not.toMatch(/[<>:"|?*\\\u0000-\u001f]|(^|\/)(con|nul|aux|prn|lpt\d|com\d)(\.|\/|$)|[ .](\/|$)/i);
        }
      }
    }
  });

  test('whatever they are called, the film lies below the root and nowhere else', async () => {
    for (const folders of HOSTILE_FOLDERS) {
      const key = await place('x', { folders, fileName: '../../../escaped.mp4' });
      expect((await realpath(path.join(root.path, key))).startsWith(`${root.path}/library/`)).toBe(true);
    }
    expect(await readdir(directory)).toEqual(['storage']);
    expect(await filesIn('library')).toHaveLength(HOSTILE_FOLDERS.length);
  });

  test('the extension stays, and the same place is the same key', () => {
    const where = { assetId: ID, folders: ['Uni'], fileName: 'Vorlesung 1.mp4' };
    for (const ordinal of [1, 2]) {
      expect(strategy.keyOf(where, ordinal)).toMatch(/\.mp4$/);
      expect(strategy.keyOf(where, ordinal)).toBe(strategy.keyOf({ ...where }, ordinal));
    }
    expect(strategy.keyOf(where, 1)).not.toBe(strategy.keyOf(where, 2));
  });

  test('films that come at the same time never overwrite one another', async () => {
    const texts = Array.from({ length: 12 }, (_, index) => `film ${index}`);
    const keys = await Promise.all(texts.map((text) => place(text, { assetId: ID })));
    expect(new Set(keys).size).toBe(12);
    expect(await Promise.all(keys.map(read))).toEqual(texts);
  });

  test('no two names differ only in case or Unicode form', async () => {
    const spellings = ['Été.mp4', 'E\u0301te\u0301.mp4', 'ÉTÉ.MP4', 'été.mp4'];
    const keys: string[] = [];
    for (const fileName of spellings) keys.push(await place(fileName, { fileName, folders: ['uni', 'Kurs'] }));
    for (const folders of [
      ['UNI', 'kurs'],
      ['Uni', 'KURS'],
    ])
      keys.push(await place('x', { fileName: 'Été.mp4', folders }));
    expect(new Set(keys.map(fold)).size).toBe(keys.length);
    const directories = new Set(keys.map((key) => path.posix.dirname(key)));
    const folded = new Set([...directories].map(fold));
    expect(folded.size).toBe(directories.size);
  });

  test('a folder and a film of one name do not get in each other’s way', async () => {
    const keys = [
      await place('1', { folders: [], fileName: 'talk' }),
      await place('2', { folders: ['talk'], fileName: 'talk' }),
      await place('3', { folders: ['Talk', 'talk'], fileName: 'talk' }),
      await place('4', { folders: [], fileName: 'talk' }),
    ];
    expect(await Promise.all(keys.map(read))).toEqual(['1', '2', '3', '4']);
  });

  test('a name that is promised to a film in the trash stays free', async () => {
    const first = await place('x', { assetId: ID });
    await removeFromLibrary(root, first);
    const second = await place('x', { assetId: ID }, async (key) => key === first);
    expect(second).not.toBe(first);
  });

  test('a film goes to the trash and comes back to its place', async () => {
    const key = await place('x');
    const trashKey = await moveToTrash(root, key, ID, new Date('2026-02-03T23:59:00Z'));
    expect(await readdir(path.join(root.path, 'library'))).toEqual([]);
    await restoreFromTrash(root, trashKey, key);
    expect(await read(key)).toBe('x');
    expect(await readdir(path.join(root.path, 'trash'))).toEqual([]);
  });

  test('a directory that is a symbolic link is not entered', async () => {
    const outside = path.join(directory, 'outside');
    await mkdir(outside);
    const first = strategy.keyOf({ assetId: ID, folders: ['Uni'], fileName: 'a.mp4' }, 1).split('/')[1] ?? '';
    await symlink(outside, path.join(root.path, 'library', first));
    const placed = await place('x', { assetId: ID }).catch((error: unknown) => error);
    expect(await readdir(outside)).toEqual([]);
    if (typeof placed === 'string') expect(await read(placed)).toBe('x');
    else expect(placed).toMatchObject({ code: 'storage-outside-root' });
  });

  test('a file that lies there unknown to all is not overwritten', async () => {
    const key = strategy.keyOf({ assetId: ID, folders: ['Uni'], fileName: 'a.mp4' }, 1);
    await mkdir(path.dirname(path.join(root.path, key)), { recursive: true });
    await writeFile(path.join(root.path, key), 'foreign');
    expect(await place('x', { assetId: ID })).not.toBe(key);
    expect(await read(key)).toBe('foreign');
  });
});

describe('where a film lies', () => {
  const where = { assetId: ID, folders: ['Uni', 'Woche 1'], fileName: 'Vorlesung.MP4' };

  test.each([
    ['flat', 1, `library/${ID}.mp4`],
    ['directory', 1, `library/k3/vq/${ID}.mp4`],
    ['site1', 1, 'library/Uni/Woche 1/Vorlesung/Vorlesung.MP4'],
    ['site1', 2, 'library/Uni/Woche 1/Vorlesung (2)/Vorlesung.MP4'],
    ['site2', 1, 'library/Uni/Woche 1/Vorlesung.MP4'],
    ['site2', 2, 'library/Uni/Woche 1/Vorlesung (2).MP4'],
  ] as const)('%s, film %i: %s', (name, ordinal, key) => {
    expect(STRATEGIES[name].keyOf(where, ordinal)).toBe(key);
  });
});
