import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile, readlink, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Packager } from '../../../../streamer/src/packager/packager';
import { compiledPackagerThread } from '../../../support/packager-thread';
import { assetOf, BUNNY, type Counted, countingPackager, makeScratch, sizeOf } from './film-fixture';

const asset = assetOf({ source: BUNNY });
const DISK = { memoryCacheBytes: 0, diskCacheBytes: 256 * 1024 * 1024 };

let scratch: Awaited<ReturnType<typeof makeScratch>>;
let opened: Packager[];

beforeEach(async () => {
  scratch = await makeScratch();
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((packager) => packager.close()));
  await scratch.remove();
});

function start(options: Parameters<typeof countingPackager>[1] = {}): Counted {
  const counted = countingPackager(scratch.directory, options);
  opened.push(counted.packager);
  return counted;
}

async function entries(): Promise<string[]> {
  const directory = join(scratch.directory, 'segments');
  return (await readdir(directory)).map((name) => join(directory, name));
}

describe('requests at the same time', { timeout: 60_000 }, () => {
  it('a segment requested 40 times at once is cut once', async () => {
    const { packager, count } = start({ memoryCacheBytes: 0 });
    const answers = await Promise.all(Array.from({ length: 40 }, () => packager.segment(asset, 'source-a1', 1)));
    expect(count('segment-cut')).toBe(1);
    expect(new Set(answers.map((answer) => answer?.etag)).size).toBe(1);
  });

  it('a film asked for 20 times at once is read once', async () => {
    const { packager, count } = start();
    await Promise.all(Array.from({ length: 20 }, () => packager.presentation(asset)));
    expect(count('film-outlined')).toBe(1);
  });

  it('segments cut side by side are the same bytes as one after the other', async () => {
    const alone = start();
    const together = start();
    const numbers = [1, 2, 3];
    const parallel = await Promise.all(
      ['source-v1', 'source-a1'].flatMap((id) => numbers.map((number) => together.packager.segment(asset, id, number))),
    );
    const etags = [];
    for (const id of ['source-v1', 'source-a1']) {
      for (const number of numbers) etags.push((await alone.packager.segment(asset, id, number))?.etag);
    }
    expect(parallel.map((segment) => segment?.etag)).toEqual(etags);
  });
});

describe('the memory cache', { timeout: 60_000 }, () => {
  it('a segment asked for again is not cut again', async () => {
    const { packager, count } = start();
    await packager.segment(asset, 'source-a1', 1);
    await packager.segment(asset, 'source-a1', 1);
    expect({ cut: count('segment-cut'), hits: count('memory-hit') }).toEqual({ cut: 1, hits: 1 });
  });

  it('forgets the least recently used segment when its bytes are full', async () => {
    const { packager, count } = start({ memoryCacheBytes: 600_000 });
    for (const number of [1, 2, 3, 1]) await packager.segment(asset, 'source-a1', number);
    expect(count('segment-cut')).toBe(4);
  });

  it('a new content version is cut anew', async () => {
    const { packager, count } = start();
    await packager.segment(asset, 'source-a1', 1);
    await packager.segment(assetOf({ source: BUNNY }, 'version-2'), 'source-a1', 1);
    expect(count('segment-cut')).toBe(2);
  });
});

describe('the disk cache', { timeout: 60_000 }, () => {
  it('is used again after a restart', async () => {
    const before = start(DISK);
    const cut = await before.packager.segment(asset, 'source-a1', 1);
    const init = await before.packager.initSegment(asset, 'source-a1');
    await before.packager.close();
    const after = start(DISK);
    const kept = await after.packager.segment(asset, 'source-a1', 1);
    const keptInit = await after.packager.initSegment(asset, 'source-a1');
    expect({ cut: after.count('segment-cut'), hits: after.count('disk-hit') }).toEqual({ cut: 0, hits: 2 });
    expect([kept?.etag, keptInit?.etag]).toEqual([cut?.etag, init?.etag]);
    expect(cut && kept?.bytes.equals(cut.bytes)).toBe(true);
  });

  it('holds plain segments under names that a file server can be pointed at, and no part files', async () => {
    const { packager } = start(DISK);
    const cut = await packager.segment(asset, 'source-a1', 1);
    await packager.close();
    const [path, ...others] = await entries();
    expect(others).toEqual([]);
    expect(path).toMatch(/\/[0-9a-f]{32}\.[0-9a-f]{32}\.m4s$/);
    expect(cut?.bytes.equals(await readFile(path ?? ''))).toBe(true);
  });

  it.each([
    ['truncated', async (path: string) => truncate(path, (await sizeOf(path)) - 1)],
    [
      'changed in one byte',
      async (path: string) => {
        const bytes = await readFile(path);
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
        await writeFile(path, bytes);
      },
    ],
    ['removed', (path: string) => rm(path)],
  ])('an entry that was %s is cut again instead of served', async (_, damage) => {
    const before = start(DISK);
    const cut = await before.packager.segment(asset, 'source-a1', 1);
    await before.packager.close();
    const after = start(DISK);
    await after.packager.presentation(asset);
    for (const path of await entries()) await damage(path);
    const again = await after.packager.segment(asset, 'source-a1', 1);
    expect({ cut: after.count('segment-cut'), hits: after.count('disk-hit') }).toEqual({ cut: 1, hits: 0 });
    expect(cut && again?.bytes.equals(cut.bytes)).toBe(true);
  });

  it('never holds more bytes than it may, also not what an earlier process left', async () => {
    const limit = 600_000;
    const total = async () => (await Promise.all((await entries()).map(sizeOf))).reduce((sum, size) => sum + size, 0);
    const small = start({ ...DISK, diskCacheBytes: limit });
    for (const number of [1, 2, 3]) await small.packager.segment(asset, 'source-a1', number);
    await small.packager.close();
    expect(await total()).toBeLessThanOrEqual(limit);
    expect(await total()).toBeGreaterThan(0);
    const smaller = start({ ...DISK, diskCacheBytes: 300_000 });
    await smaller.packager.segment(asset, 'source-a1', 3);
    await smaller.packager.close();
    expect(await total()).toBeLessThanOrEqual(300_000);
  });

  it('a disk that cannot be used costs no answer', async () => {
    const file = join(scratch.directory, 'in-the-way');
    await writeFile(file, '');
    const { packager, count } = start({ ...DISK, cacheDir: file });
    expect(await packager.segment(asset, 'source-a1', 1)).not.toBeNull();
    expect(count('disk-failed')).toBe(1);
  });
});

describe('a segment as a file', { timeout: 60_000 }, () => {
  it('is complete, is the segment, and lies in the cache under its own name', async () => {
    const { packager, count } = start(DISK);
    for (const number of [0, 1]) {
      const file = await packager.segmentFile(asset, 'source-a1', number);
      const segment =
        number === 0
          ? await packager.initSegment(asset, 'source-a1')
          : await packager.segment(asset, 'source-a1', number);
      expect(file?.path).toBe(join(scratch.directory, 'segments', file?.fileName ?? ''));
      expect(segment?.bytes.equals(await readFile(file?.path ?? ''))).toBe(true);
      const { etag, mime, durationSeconds } = segment ?? {};
      expect(file).toMatchObject({ etag, mime, durationSeconds, sizeBytes: segment?.bytes.length });
    }
    expect(count('segment-cut')).toBe(2);
  });

  it('asked for many times at once, as a file and in memory, is cut once', async () => {
    const { packager, count } = start(DISK);
    const asked = Array.from({ length: 10 }, () => packager.segmentFile(asset, 'source-a1', 1));
    const etags = [...(await Promise.all(asked)), await packager.segment(asset, 'source-a1', 1)];
    expect(new Set(etags.map((file) => file?.etag)).size).toBe(1);
    expect(count('segment-cut')).toBe(1);
  });

  it.each([
    ['removed', (path: string) => rm(path)],
    ['truncated', (path: string) => truncate(path, 10)],
  ])('that was %s since is cut and written again', async (_, damage) => {
    const { packager } = start(DISK);
    const file = await packager.segmentFile(asset, 'source-a1', 1);
    await damage(file?.path ?? '');
    const again = await packager.segmentFile(asset, 'source-a1', 1);
    expect(again).toEqual(file);
    expect(await sizeOf(again?.path ?? '')).toBe(file?.sizeBytes);
  });

  it('is written again from memory when it has fallen out of the disk cache', async () => {
    const { packager, count } = start({ memoryCacheBytes: 64 * 1024 * 1024, diskCacheBytes: 600_000 });
    for (const number of [1, 2, 3, 1]) {
      const file = await packager.segmentFile(asset, 'source-a1', number);
      expect(await sizeOf(file?.path ?? '')).toBe(file?.sizeBytes);
    }
    expect(count('segment-cut')).toBe(3);
  });

  it('of an earlier process is served only if it has the digest that it was written with', async () => {
    const before = start(DISK);
    const file = await before.packager.segmentFile(asset, 'source-a1', 1);
    await before.packager.close();
    const bytes = await readFile(file?.path ?? '');
    await writeFile(file?.path ?? '', Buffer.alloc(bytes.length));
    const after = start(DISK);
    expect(await after.packager.segmentFile(asset, 'source-a1', 1)).toEqual(file);
    expect(bytes.equals(await readFile(file?.path ?? ''))).toBe(true);
    expect({ cut: after.count('segment-cut'), refused: after.count('disk-refused') }).toEqual({ cut: 1, refused: 1 });
  });

  it('that an earlier version left under another name is removed, and the rest is kept', async () => {
    const before = start(DISK);
    const kept = await before.packager.segmentFile(asset, 'source-a1', 1);
    await before.packager.close();
    const former = join(scratch.directory, 'segments', `${'a'.repeat(64)}.${'b'.repeat(64)}.m4s`);
    await writeFile(former, 'a segment');
    const after = start(DISK);
    expect(await after.packager.segmentFile(asset, 'source-a1', 1)).toEqual(kept);
    expect([existsSync(former), after.count('segment-cut')]).toEqual([false, 0]);
  });

  it('is null where there is no such track or number', async () => {
    const { packager } = start(DISK);
    expect(await packager.segmentFile(asset, 'other-v1', 1)).toBeNull();
    for (const number of [-1, 1.5, 99]) expect(await packager.segmentFile(asset, 'source-v1', number)).toBeNull();
  });

  it.each([
    ['without a disk cache', { diskCacheBytes: 0 }],
    ['larger than the whole disk cache', { diskCacheBytes: 1000 }],
  ])('%s is refused as not on disk', async (_, options) => {
    const { packager } = start({ ...DISK, ...options });
    await expect(packager.segmentFile(asset, 'source-a1', 1)).rejects.toMatchObject({
      name: 'PackagingError',
      code: 'not-on-disk',
    });
  });
});

describe('threads', { timeout: 60_000 }, () => {
  it('that are two cut each segment once, into the same bytes as one does', async () => {
    const entry = compiledPackagerThread();
    const [one, two] = [start(), start({ threads: { entry, count: 2 } })];
    const wanted = ['source-v1', 'source-a1'].flatMap((id) => [1, 2, 3].map((number) => ({ id, number })));
    const cut = ({ packager }: Counted) =>
      Promise.all([...wanted, ...wanted].map(({ id, number }) => packager.segment(asset, id, number)));
    const etags = (await cut(two)).map((segment) => segment?.etag);
    expect(etags).toEqual((await cut(one)).map((segment) => segment?.etag));
    expect(two.count('segment-cut')).toBe(6);
  });

  it('that die while they cut are replaced, and the viewer gets the segment', async () => {
    const flag = join(scratch.directory, 'die');
    const entry = join(scratch.directory, 'dying-thread.cjs');
    await writeFile(
      entry,
      `const { parentPort } = require('node:worker_threads');
      const { existsSync, rmSync } = require('node:fs');
      const flag = ${JSON.stringify(flag)};
      parentPort.on('message', ({ task }) => {
        if (task.kind !== 'cutSegment' || !existsSync(flag)) return;
        rmSync(flag);
        process.exit(1);
      });
      require(${JSON.stringify(compiledPackagerThread())});`,
    );
    const { packager, count } = start({ threads: { entry, count: 1 } });
    const before = await packager.segment(asset, 'source-a1', 1);
    await writeFile(flag, '');
    const after = await packager.segment(asset, 'source-a1', 2);
    expect(after?.bytes.length).toBeGreaterThan(1000);
    expect(after?.etag).not.toBe(before?.etag);
    expect(count('thread-lost')).toBe(1);
  });

  it.skipIf(!existsSync('/proc/self/fd'))('leave no film open when the packager is closed', async () => {
    const path = join(scratch.directory, 'film.mp4');
    await copyFile(BUNNY, path);
    const openFilms = async () => {
      const names = await readdir('/proc/self/fd');
      const targets = await Promise.all(names.map((name) => readlink(join('/proc/self/fd', name)).catch(() => '')));
      return targets.filter((target) => target === path).length;
    };
    const { packager } = start();
    await packager.segment(assetOf({ source: path }), 'source-a1', 1);
    expect(await openFilms()).toBeGreaterThan(0);
    await packager.close();
    expect(await openFilms()).toBe(0);
  });
});

describe('a film in storage', { timeout: 60_000 }, () => {
  it('that is missing is reported as missing, and plays once it is there', async () => {
    const path = join(scratch.directory, 'late.mp4');
    const late = assetOf({ source: path });
    const { packager } = start();
    await expect(packager.segment(late, 'source-a1', 1)).rejects.toMatchObject({ code: 'asset-missing' });
    await copyFile(BUNNY, path);
    expect(await packager.segment(late, 'source-a1', 1)).not.toBeNull();
  });

  it('whose storage key is refused is unreadable, and the refusal is kept as the cause', async () => {
    const refusal = new Error('outside the storage root');
    const { packager } = start({ resolve: () => Promise.reject(refusal) });
    await expect(packager.presentation(asset)).rejects.toMatchObject({ code: 'asset-unreadable', cause: refusal });
  });

  it('that is cut short while it is open is refused, and plays again when it is whole', async () => {
    const path = join(scratch.directory, 'film.mp4');
    await copyFile(BUNNY, path);
    const film = assetOf({ source: path });
    const { packager } = start({ memoryCacheBytes: 0 });
    const whole = await packager.segment(film, 'source-v1', 3);
    await truncate(path, 4_000_000);
    await expect(packager.segment(film, 'source-v1', 3)).rejects.toMatchObject({ code: 'asset-unreadable' });
    await copyFile(BUNNY, path);
    expect((await packager.segment(film, 'source-v1', 3))?.etag).toBe(whole?.etag);
  });

  it('that is replaced while it is open is read anew', async () => {
    const path = join(scratch.directory, 'film.mp4');
    await copyFile(BUNNY, path);
    const film = assetOf({ source: path });
    const { packager, count } = start({ memoryCacheBytes: 0 });
    await packager.segment(film, 'source-a1', 1);
    await utimes(path, new Date(0), new Date(0));
    await packager.segment(film, 'source-a1', 2);
    expect(count('film-outlined')).toBe(2);
  });

  it('of which one rendition is missing or no film plays by the others', async () => {
    const path = join(scratch.directory, 'text.mp4');
    await writeFile(path, 'not a film '.repeat(1000));
    for (const lost of [path, join(scratch.directory, 'none.mp4')]) {
      const { packager, count } = start();
      const { tracks } = await packager.presentation(assetOf({ source: BUNNY, '360p': lost }));
      expect(tracks.map(({ id }) => id)).toEqual(['source-v1', 'source-a1']);
      expect(count('rendition-left-out')).toBe(1);
      const rest = await start().packager.presentation(assetOf({ source: lost, '360p': BUNNY }));
      expect(rest.tracks.map(({ id }) => id)).toEqual(['360p-v1', '360p-a1']);
      await expect(start().packager.presentation(assetOf({ source: lost, '360p': lost }))).rejects.toThrow();
    }
  });

  it('that is no film is unreadable', async () => {
    const path = join(scratch.directory, 'text.mp4');
    await writeFile(path, 'not a film '.repeat(1000));
    await expect(start().packager.presentation(assetOf({ source: path }))).rejects.toMatchObject({
      name: 'PackagingError',
      code: 'asset-unreadable',
    });
  });

  it('is closed with the packager, which then refuses', async () => {
    const { packager } = start();
    const running = packager.segment(asset, 'source-a1', 1);
    await Promise.all([running, packager.close()]);
    await expect(packager.segment(asset, 'source-a1', 1)).rejects.toMatchObject({ code: 'asset-unreadable' });
  });
});
