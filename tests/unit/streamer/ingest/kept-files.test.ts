import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kept, keptName } from '../../../../streamer/src/ingest/ladder/kept-files';
import type { Scratch } from '../../../../streamer/src/ingest/scratch';

const NAME = keptName('picture', 1, {});

describe('S24 a part of a rendition that is kept for the next attempt', () => {
  let directory: string;
  let scratch: Scratch;
  let other: string;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-kept-'));
    const at = (name: string) => path.join(directory, name);
    scratch = { shared: at('shared'), work: at('shared/1') } as Scratch;
    await mkdir(scratch.work, { recursive: true });
    other = at('film.mp4');
    await writeFile(other, 'another film');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const target = () => path.join(scratch.shared, NAME);
  const make = (file: string) => writeFile(file, 'made');
  const isPlain = async (file: string) => (await lstat(file)).isFile();

  it('is made once, and found afterwards', async () => {
    expect(await kept(scratch, NAME, make)).toBe(target());
    const again = () => Promise.reject(new Error('made twice'));
    expect(await kept(scratch, NAME, again)).toBe(target());
    expect(await readFile(target(), 'utf8')).toBe('made');
  });

  it.each([
    ['a film', () => other],
    ['nothing', () => path.join(directory, 'nothing')],
  ])(
    'is made anew where a link to %s has its name, there or among the drafts, and the link is not followed',
    async (_, to) => {
      for (const place of [scratch.shared, scratch.work]) {
        await symlink(to(), path.join(place, NAME));
        expect(await kept(scratch, NAME, make)).toBe(target());
        expect([await isPlain(target()), await readFile(target(), 'utf8')]).toEqual([true, 'made']);
        await rm(target());
      }
      expect(await readFile(other, 'utf8')).toBe('another film');
      expect((await readdir(directory)).toSorted()).toEqual(['film.mp4', 'shared']);
    },
  );

  it('is none where the tool left a link in its place, and the next attempt makes it', async () => {
    await expect(kept(scratch, NAME, (file) => symlink(other, file))).rejects.toMatchObject({
      reason: 'output-invalid',
    });
    expect(await readdir(scratch.shared)).toEqual(['1']);
    expect(await kept(scratch, NAME, make)).toBe(target());
  });
});
