import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  makeParentOfKey,
  openKey,
  openStorageRoot,
  type StorageRoot,
} from '../../../../server/src/storage/storage-root';

let directory: string;
let root: StorageRoot;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pvod-root-'));
  await mkdir(path.join(directory, 'public'));
  root = openStorageRoot(path.join(directory, 'storage'), path.join(directory, 'public'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('a storage root that the web server would hand out is refused at start', () => {
  test.each([
    ['below public/', 'public/films'],
    ['public/ itself', 'public'],
    ['around public/', '.'],
  ])('%s', (_, relative) => {
    expect(() => openStorageRoot(path.join(directory, relative), path.join(directory, 'public'))).toThrow(
      expect.objectContaining({ code: 'storage-unsafe-root' }),
    );
  });

  test('below public/ by way of a symbolic link', async () => {
    await symlink(path.join(directory, 'public'), path.join(directory, 'elsewhere'));
    expect(() => openStorageRoot(path.join(directory, 'elsewhere/films'), path.join(directory, 'public'))).toThrow(
      expect.objectContaining({ code: 'storage-unsafe-root' }),
    );
  });

  test('with an area that is a symbolic link', async () => {
    const other = path.join(directory, 'other');
    await mkdir(other);
    await symlink(path.join(directory, 'public'), path.join(other, 'library'));
    expect(() => openStorageRoot(other, path.join(directory, 'public'))).toThrow(
      expect.objectContaining({ code: 'storage-unsafe-root' }),
    );
  });
});

test('areas are private to this user', async () => {
  for (const area of ['library', 'incoming', 'trash', 'cache']) {
    expect((await stat(path.join(root.path, area))).mode & 0o777).toBe(0o700);
  }
});

describe('nothing outside the root is opened', () => {
  beforeEach(() => writeFile(path.join(directory, 'secret.mp4'), 'secret'));

  test.each([
    '../secret.mp4',
    'library/../../secret.mp4',
    'library/%2e%2e/secret.mp4',
    '/etc/passwd',
    'library//secret.mp4',
    'library\\..\\secret.mp4',
    'library/.hidden',
    'library/a\u0000.mp4',
    '',
    '.',
  ])('%j', async (key) => {
    await expect(openKey(root, key)).rejects.toMatchObject({
      code: expect.stringMatching(/^storage-(invalid|missing)/),
    });
  });

  test('through a symbolic link in place of the file', async () => {
    await symlink(path.join(directory, 'secret.mp4'), path.join(root.path, 'library/link.mp4'));
    await expect(openKey(root, 'library/link.mp4')).rejects.toMatchObject({ code: 'storage-outside-root' });
  });

  test('through a symbolic link in place of a directory, for reading or writing', async () => {
    await symlink(directory, path.join(root.path, 'library/out'));
    await expect(openKey(root, 'library/out/secret.mp4')).rejects.toMatchObject({ code: 'storage-outside-root' });
    await expect(makeParentOfKey(root, 'library/out/new.mp4')).rejects.toMatchObject({ code: 'storage-outside-root' });
  });

  test('a directory is no film', async () => {
    await mkdir(path.join(root.path, 'library/folder.mp4'));
    await expect(openKey(root, 'library/folder.mp4')).rejects.toMatchObject({ code: 'storage-missing' });
  });
});
