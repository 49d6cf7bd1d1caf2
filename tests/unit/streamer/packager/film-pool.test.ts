import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FilmPool } from '../../../../streamer/src/packager/film-pool';
import { BUNNY, makeScratch } from './film-fixture';

let scratch: Awaited<ReturnType<typeof makeScratch>>;
let pool: FilmPool;
let other: string;

beforeEach(async () => {
  scratch = await makeScratch();
  pool = new FilmPool({ films: 1, bytes: 2 ** 30 });
  other = join(scratch.directory, 'other.mp4');
  await copyFile(BUNNY, other);
});

afterEach(async () => {
  await pool.close();
  await scratch.remove();
});

describe('the pool of open films', () => {
  it('keeps a film open between uses', async () => {
    const first = await pool.use(BUNNY, async (film) => film);
    expect(await pool.use(BUNNY, async (film) => film)).toBe(first);
  });

  it('never holds more films than it may', async () => {
    for (const path of [BUNNY, other, BUNNY]) await pool.use(path, (film) => film.input.getTracks());
    expect(pool.size).toBe(1);
  });

  it('holds fewer films when they are long', async () => {
    const roomy = new FilmPool({ films: 10, bytes: 2 ** 26 });
    const packets = 400_000;
    for (const path of [BUNNY, other]) await roomy.use(path, (film) => film.input.getTracks(), packets);
    expect(roomy.size).toBe(1);
    await roomy.use(other, (film) => film.input.getTracks(), 100 * packets);
    expect(roomy.size).toBe(1);
    await roomy.close();
  });

  it('closes a film that fell out only when its last user is done', async () => {
    const held = await pool.use(BUNNY, async (film) => {
      await pool.use(other, (another) => another.input.getTracks());
      expect(film.usable).toBe(false);
      expect(await film.input.getTracks()).toHaveLength(2);
      return film;
    });
    expect(held.input.disposed).toBe(true);
  });

  it('lets go of a film that was deleted', async () => {
    const film = await pool.use(other, async (opened) => opened);
    await rm(other);
    await expect(pool.use(other, async () => undefined)).rejects.toMatchObject({ code: 'ENOENT' });
    expect({ disposed: film.input.disposed, size: pool.size }).toEqual({ disposed: true, size: 0 });
  });
});
