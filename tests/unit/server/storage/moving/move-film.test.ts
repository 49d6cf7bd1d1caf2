import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DerivedFile } from '../../../../../server/contracts';
import { newAssetId } from '../../../../../server/src/storage/asset-id';
import { derivedKeyOf } from '../../../../../server/src/storage/derived';
import { placeInLibrary } from '../../../../../server/src/storage/library';
import { metadataKeyOf, readMetadata, writeMetadata } from '../../../../../server/src/storage/metadata';
import type { FilmLedger, StoredFilm } from '../../../../../server/src/storage/moving/ledger';
import { metadataOf, moveFilm, retireOldName } from '../../../../../server/src/storage/moving/move-film';
import { copyTwin } from '../../../../../server/src/storage/moving/twin';
import { receivePart } from '../../../../../server/src/storage/receive';
import { openStorageRoot, type StorageRoot } from '../../../../../server/src/storage/storage-root';
import { STRATEGIES, STRATEGY_NAMES, type StrategyName } from '../../../../../server/src/storage/strategies';

let directory: string;
let root: StorageRoot;
let rows: Map<string, StoredFilm>;

const FOLDERS = ['Uni', 'Woche 1'];
const TEXT = 'the film';
const SHA256 = createHash('sha256').update(TEXT).digest('hex');
const PAIRS = STRATEGY_NAMES.flatMap((from) => STRATEGY_NAMES.filter((to) => to !== from).map((to) => ({ from, to })));

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pvod-moving-'));
  root = openStorageRoot(path.join(directory, 'storage'), path.join(directory, 'public'));
  rows = new Map();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

class Killed extends Error {}

/** Rows in memory. Dies at the `fatal`-th write, before or after it has been written. */
function ledger(fatal = Number.POSITIVE_INFINITY, side: 'before' | 'after' = 'before'): FilmLedger {
  let writes = 0;
  const write = async <T>(change: () => T): Promise<T> => {
    writes += 1;
    if (writes === fatal && side === 'before') throw new Killed();
    const result = change();
    if (writes === fatal) throw new Killed();
    return result;
  };
  const update = (film: StoredFilm, change: Partial<StoredFilm>) => {
    const row = rows.get(film.assetId);
    if (row?.storageKey !== film.storageKey || row.state !== film.state) return false;
    Object.assign(row, change);
    return true;
  };
  return {
    find: async (assetId) => structuredClone(rows.get(assetId) ?? null),
    isKeyTaken: async (key) =>
      [...rows.values()].some(({ storageKey, movingTo, movedFrom }) => [storageKey, movingTo, movedFrom].includes(key)),
    promise: (film, key) => write(() => update(film, { movingTo: key })),
    commit: (film, key) => write(() => update(film, { storageKey: key, movingTo: null, movedFrom: film.storageKey })),
    forget: (assetId) => write(() => void Object.assign(rows.get(assetId) ?? {}, { movedFrom: null })),
  };
}

/** What a worker has made of a film lies beside it. */
async function make(filmKey: string, name: string): Promise<DerivedFile> {
  const target = path.join(root.path, derivedKeyOf(filmKey, name));
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, name);
  return { name, sizeBytes: name.length, sha256: createHash('sha256').update(name).digest('hex') };
}

async function store(strategy: StrategyName, fileName = 'Film.mp4'): Promise<string> {
  const assetId = newAssetId();
  async function* pieces() {
    yield Buffer.from(TEXT);
  }
  const part = await receivePart(root, pieces(), { maxBytes: 1000 });
  const storageKey = await placeInLibrary(root, {
    partPath: part.path,
    place: { assetId, folders: FOLDERS, fileName },
    strategy: STRATEGIES[strategy],
    isReserved: async () => false,
  });
  const facts = { assetId, fileName, storageKey, mime: 'video/mp4', sizeBytes: TEXT.length, sha256: SHA256 };
  const film = {
    ...facts,
    durationSeconds: 1,
    state: 'ready' as const,
    trashKey: null,
    movingTo: null,
    movedFrom: null,
    derived: [await make(storageKey, 'poster.jpg')],
  };
  rows.set(assetId, film);
  await writeMetadata(root, storageKey, metadataOf(film, FOLDERS, '2026-02-03T10:00:00.000Z'));
  return assetId;
}

const film = (assetId: string) => structuredClone(rows.get(assetId)) as StoredFilm;

/** As a run of `storage migrate` does it, with nobody watching. */
async function migrate(to: StrategyName, use: FilmLedger): Promise<void> {
  for (const { assetId, movedFrom } of [...rows.values()])
    if (movedFrom !== null) await retireOldName(root, use, assetId);
  for (const assetId of rows.keys()) {
    const move = { film: film(assetId), folders: FOLDERS, strategy: STRATEGIES[to] };
    if ((await moveFilm(root, use, move)).outcome === 'moved') await retireOldName(root, use, assetId);
  }
}

async function files(): Promise<string[]> {
  const entries = await readdir(path.join(root.path, 'library'), { recursive: true, withFileTypes: true });
  const found = entries.filter((entry) => entry.isFile());
  return found.map(({ parentPath, name }) => path.relative(root.path, path.join(parentPath, name))).toSorted();
}

async function expectClean(to: StrategyName): Promise<void> {
  for (const row of rows.values()) {
    expect(row).toMatchObject({ movingTo: null, movedFrom: null });
    expect(await readFile(path.join(root.path, row.storageKey), 'utf8')).toBe(TEXT);
    expect(await readMetadata(root, row.storageKey)).toMatchObject({
      assetId: row.assetId,
      storageKey: row.storageKey,
      storedAt: '2026-02-03T10:00:00.000Z',
    });
    const place = { assetId: row.assetId, folders: FOLDERS, fileName: row.fileName };
    expect([1, 2].map((ordinal) => STRATEGIES[to].keyOf(place, ordinal))).toContain(row.storageKey);
  }
  const keys = [...rows.values()].map(({ storageKey }) => storageKey);
  const derived = [...rows.values()].flatMap((row) =>
    row.derived.map(({ name }) => derivedKeyOf(row.storageKey, name)),
  );
  expect(await files()).toEqual([...keys, ...keys.map(metadataKeyOf), ...derived].toSorted());
  expect(await readdir(path.join(root.path, 'incoming'))).toEqual([]);
}

describe.each(PAIRS)('from $from to $to', ({ from, to }) => {
  test('every film has its new name and no other', async () => {
    for (const name of ['Film.mp4', 'Film.mp4', 'Other.mp4']) await store(from, name);
    await migrate(to, ledger());
    await expectClean(to);
    await migrate(to, ledger());
    await expectClean(to);
  });

  test('killed before and after each write, the film is never without a name, and a second run finishes', async () => {
    await store(from);
    for (const side of ['before', 'after'] as const) {
      for (const fatal of [1, 2, 3]) {
        await expect(migrate(to, ledger(fatal, side)), `${side} write ${fatal}`).rejects.toThrow(Killed);
        for (const { storageKey } of rows.values()) {
          expect(await readFile(path.join(root.path, storageKey), 'utf8')).toBe(TEXT);
        }
        await migrate(to, ledger());
        await expectClean(to);
        await migrate(from, ledger());
        await expectClean(from);
      }
    }
  });
});

describe('a film that is being moved', () => {
  test.each(['before', 'after'] as const)(
    'takes along what is made of it on the way, %s its row changes',
    async (when) => {
      const id = await store('site2');
      const inMemory = ledger();
      const deliver = async (filmKey: string) => {
        const row = rows.get(id);
        if (row) row.derived = [...row.derived, await make(filmKey, 'storyboard.jpg')];
      };
      const use: FilmLedger = {
        ...inMemory,
        async commit(moving, key) {
          if (when === 'before') await deliver(moving.storageKey);
          const done = await inMemory.commit(moving, key);
          if (when === 'after') await deliver(key);
          return done;
        },
      };
      await migrate('flat', use);
      expect(film(id).derived).toHaveLength(2);
      await expectClean('flat');
    },
  );

  test('keeps both names until the old one is retired', async () => {
    const id = await store('site2');
    const before = film(id).storageKey;
    await moveFilm(root, ledger(), { film: film(id), folders: FOLDERS, strategy: STRATEGIES.flat });
    for (const key of [before, film(id).storageKey]) {
      expect(await readFile(path.join(root.path, key), 'utf8')).toBe(TEXT);
    }
    expect(film(id).movedFrom).toBe(before);
  });

  test('and trashed meanwhile leaves no second name behind', async () => {
    const id = await store('site2');
    const stale = film(id);
    Object.assign(rows.get(id) as StoredFilm, { state: 'trashed', trashKey: 'trash/2026-02-03/x/Film.mp4' });
    const moved = await moveFilm(root, ledger(), { film: stale, folders: FOLDERS, strategy: STRATEGIES.flat });
    expect(moved).toEqual({ outcome: 'changed' });
    expect((await files()).filter((key) => !key.startsWith('library/Uni/'))).toEqual([]);
  });

  test('goes on to the strategy asked for now, not to that of the run that was cut off', async () => {
    await store('site2');
    await expect(migrate('flat', ledger(2))).rejects.toThrow(Killed);
    await migrate('site1', ledger());
    await expectClean('site1');
  });

  test('does not give up its old name while the new one leads nowhere', async () => {
    const id = await store('site2');
    await moveFilm(root, ledger(), { film: film(id), folders: FOLDERS, strategy: STRATEGIES.flat });
    await rm(path.join(root.path, film(id).storageKey));
    expect(await retireOldName(root, ledger(), id)).toBe(true);
    await expectClean('flat');
  });

  test('does not give up its old name while another file has the new one', async () => {
    const id = await store('site2');
    await moveFilm(root, ledger(), { film: film(id), folders: FOLDERS, strategy: STRATEGIES.flat });
    const { storageKey, movedFrom } = film(id);
    await rm(path.join(root.path, storageKey));
    await writeFile(path.join(root.path, storageKey), 'a foreign file');
    expect(await retireOldName(root, ledger(), id)).toBe(false);
    expect(await readFile(path.join(root.path, movedFrom ?? ''), 'utf8')).toBe(TEXT);
  });

  test('is not moved if it is a symbolic link or missing', async () => {
    const id = await store('site2');
    const there = path.join(root.path, film(id).storageKey);
    await rm(there);
    const move = { film: film(id), folders: FOLDERS, strategy: STRATEGIES.flat };
    await expect(moveFilm(root, ledger(), move)).rejects.toMatchObject({ code: 'storage-missing' });
    await symlink('/etc/hostname', there);
    await expect(moveFilm(root, ledger(), move)).rejects.toMatchObject({ code: 'storage-outside-root' });
    expect(film(id)).toMatchObject({ movingTo: null, movedFrom: null });
  });
});

describe('where a file system knows no hard links', () => {
  const request = async (sha256 = SHA256) => {
    const id = await store('site2');
    return { from: film(id).storageKey, to: 'library/copy.mp4', sha256 };
  };

  test('a film is copied and compared', async () => {
    expect(await copyTwin(root, await request())).toBe(true);
    expect(await readFile(path.join(root.path, 'library/copy.mp4'), 'utf8')).toBe(TEXT);
  });

  test('a damaged film is not copied', async () => {
    await expect(copyTwin(root, await request('0'.repeat(64)))).rejects.toMatchObject({ code: 'storage-damaged' });
    expect(await readdir(path.join(root.path, 'incoming'))).toEqual([]);
    expect(await files()).not.toContain('library/copy.mp4');
  });

  test('a name that is taken stays what it is', async () => {
    await writeFile(path.join(root.path, 'library/copy.mp4'), 'other');
    expect(await copyTwin(root, await request())).toBe(false);
    expect(await readFile(path.join(root.path, 'library/copy.mp4'), 'utf8')).toBe('other');
  });
});
