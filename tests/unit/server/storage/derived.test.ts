import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { moveDerived } from '../../../../server/src/storage/derived';
import { removeFromLibrary } from '../../../../server/src/storage/library';
import { openStorageRoot, type StorageRoot } from '../../../../server/src/storage/storage-root';

const FILM = 'library/a/film.mp4';
/** A folder of the site that has the name of the film's own directory: a film in it, and what somebody else put there. */
const FOREIGN = ['other.mp4', 'other.mp4.vod.json', 'other.mp4.vod/poster.jpg', 'Notes.txt', 'sub/deep.jpg'];

let scratch: string;
let root: StorageRoot;

beforeEach(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'protected-vod-derived-'));
  root = openStorageRoot(path.join(scratch, 'storage'), path.join(scratch, 'public'));
});
afterEach(() => rm(scratch, { recursive: true }));

async function put(...keys: string[]) {
  for (const key of keys) {
    await mkdir(path.dirname(path.join(root.path, key)), { recursive: true });
    await writeFile(path.join(root.path, key), key);
  }
}

async function filesBelow(key: string): Promise<string[]> {
  const entries = await readdir(path.join(root.path, key), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => path.relative(path.join(root.path, key), path.join(parentPath, name)))
    .toSorted();
}

describe('what was made of a film', () => {
  it('goes with it, and its directory too', async () => {
    await put(FILM, `${FILM}.vod/poster.jpg`);
    await moveDerived(root, FILM, 'trash/b/film.mp4');
    expect(await filesBelow('trash/b')).toEqual(['film.mp4.vod/poster.jpg']);
    await removeFromLibrary(root, FILM);
    expect(await readdir(path.join(root.path, 'library'))).toEqual([]);
    await removeFromLibrary(root, 'trash/b/film.mp4');
    expect(await readdir(path.join(root.path, 'trash'))).toEqual([]);
  });

  it('goes without the films of a folder that had the name of its directory before', async () => {
    await put(FILM, `${FILM}.vod/poster.jpg`, ...FOREIGN.map((name) => `${FILM}.vod/${name}`));
    await moveDerived(root, FILM, 'trash/b/film.mp4');
    expect(await filesBelow('trash/b')).toEqual(['film.mp4.vod/poster.jpg']);
    expect(await filesBelow(`${FILM}.vod`)).toEqual(FOREIGN.toSorted());
    await put(`${FILM}.vod/storyboard.vtt`);
    await removeFromLibrary(root, FILM);
    expect(await filesBelow('library/a')).toEqual(FOREIGN.map((name) => `film.mp4.vod/${name}`).toSorted());
  });

  it('joins what was made of it meanwhile', async () => {
    await put(`${FILM}.vod/poster.jpg`, 'trash/b/film.mp4.vod/storyboard.vtt');
    await moveDerived(root, FILM, 'trash/b/film.mp4');
    expect(await filesBelow('trash/b')).toEqual(['film.mp4.vod/poster.jpg', 'film.mp4.vod/storyboard.vtt']);
  });
});
