import { mkdtempSync } from 'node:fs';
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutsideFile } from '../../../../server/src/storage/outside/outside-file';
import { copyIn, hashOutside, linkIn } from '../../../../server/src/storage/outside/take-in';
import { walkDirectory } from '../../../../server/src/storage/outside/walk-directory';
import { openStorageRoot, type StorageRoot } from '../../../../server/src/storage/storage-root';

const ID = 'b'.repeat(32);

let directory = '';
let outside = '';
let root: StorageRoot;
let opened: OutsideFile[] = [];

beforeEach(async () => {
  directory = await realpath(mkdtempSync(path.join(tmpdir(), 'outside-')));
  outside = path.join(directory, 'films');
  await mkdir(path.join(outside, 'deep'), { recursive: true });
  root = openStorageRoot(path.join(directory, 'root'), path.join(directory, 'public'));
  await writeFile(path.join(outside, 'film.mp4'), 'a film');
  await writeFile(path.join(directory, 'secret'), 'outside');
});
afterEach(async () => {
  for (const file of opened) await file.close();
  opened = [];
  await rm(directory, { recursive: true, force: true });
});

async function open(name: string): Promise<OutsideFile> {
  const file = await OutsideFile.open(outside, name);
  opened.push(file);
  return file;
}

const incoming = () => readdir(path.join(root.path, 'incoming'));
const limits = { id: ID, minFreeBytes: 0 };

describe('what lies in a directory', () => {
  it('is told in the order of names; links are not followed, hidden things not looked into', async () => {
    await writeFile(path.join(outside, 'deep/b.mp4'), '');
    await writeFile(path.join(outside, '.DS_Store'), '');
    await mkdir(path.join(outside, '.trash'));
    await writeFile(path.join(outside, '.trash/old.mp4'), '');
    await symlink('/etc', path.join(outside, 'etc'));
    const entries: string[] = [];
    for await (const { kind, name } of walkDirectory(outside)) entries.push(`${kind} ${name}`);
    expect(entries).toEqual([
      'hidden .DS_Store',
      'hidden .trash',
      'file deep/b.mp4',
      'symbolic-link etc',
      'file film.mp4',
    ]);
  });
});

describe('a file is opened only where it says that it is', () => {
  it.each([
    [
      'a symbolic link',
      async () => symlink(path.join(directory, 'secret'), path.join(outside, 'link.mp4')),
      'link.mp4',
    ],
    [
      'a file behind a directory that was exchanged for a link',
      async () => {
        await rename(path.join(outside, 'deep'), path.join(outside, 'was'));
        await symlink(directory, path.join(outside, 'deep'));
      },
      'deep/secret',
    ],
    ['a way up', async () => undefined, '../secret'],
    ['a directory', async () => undefined, 'deep'],
  ])('%s is refused', async (_, prepare, name) => {
    await prepare();
    await expect(open(name)).rejects.toMatchObject({ code: 'file-not-plain' });
  });

  it('what is not there is told so', async () => {
    await expect(open('gone.mp4')).rejects.toMatchObject({ code: 'file-missing' });
    await expect(open('film.mp4/gone')).rejects.toMatchObject({ code: 'file-missing' });
  });
});

describe('a copy', () => {
  it('is of what was opened, whatever has the name by now', async () => {
    const file = await open('film.mp4');
    await rename(path.join(directory, 'secret'), path.join(outside, 'film.mp4'));
    expect(await readFile((await copyIn(root, file, limits)).path, 'utf8')).toBe('a film');
    expect(await file.isStillThere()).toBe(false);
  });

  it('is private, and no later change reaches it', async () => {
    const part = await copyIn(root, await open('film.mp4'), limits);
    await writeFile(path.join(outside, 'film.mp4'), 'CHANGED');
    expect(await readFile(part.path, 'utf8')).toBe('a film');
    expect((await lstat(part.path)).mode & 0o777).toBe(0o600);
  });

  it('of a file that is written to meanwhile is refused and leaves nothing', async () => {
    const file = await open('film.mp4');
    await writeFile(path.join(outside, 'film.mp4'), 'A FILM, and more');
    await expect(copyIn(root, file, limits)).rejects.toMatchObject({ code: 'storage-too-large' });
    await writeFile(path.join(outside, 'film.mp4'), 'CHANGE');
    await expect(copyIn(root, file, limits)).rejects.toMatchObject({ code: 'file-changed' });
    await expect(hashOutside(file)).rejects.toMatchObject({ code: 'file-changed' });
    expect(await incoming()).toEqual([]);
  });
});

describe('a link', () => {
  it('is a second name, with the hash of a copy', async () => {
    const file = await open('film.mp4');
    const { sha256 } = await copyIn(root, file, { ...limits, id: 'c'.repeat(32) });
    const linked = await linkIn(root, file, ID);
    expect(linked.sha256).toBe(sha256);
    expect((await lstat(linked.path)).nlink).toBe(2);
  });

  it('to a file that others may write to is refused: through their name it would be changed', async () => {
    await chmod(path.join(outside, 'film.mp4'), 0o664);
    await expect(linkIn(root, await open('film.mp4'), ID)).rejects.toMatchObject({ code: 'link-unsafe' });
    expect(await incoming()).toEqual([]);
  });

  it('is of what was opened: a name that leads elsewhere by now is refused', async () => {
    const file = await open('film.mp4');
    await rm(path.join(outside, 'film.mp4'));
    await symlink(path.join(directory, 'secret'), path.join(outside, 'film.mp4'));
    await expect(linkIn(root, file, ID)).rejects.toMatchObject({ code: 'file-changed' });
    await rm(path.join(outside, 'film.mp4'));
    await link(path.join(directory, 'secret'), path.join(outside, 'film.mp4'));
    await expect(linkIn(root, file, ID)).rejects.toMatchObject({ code: 'file-changed' });
    expect(await incoming()).toEqual([]);
  });
});
