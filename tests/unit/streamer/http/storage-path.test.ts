import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStorage } from '../../../../streamer/src/http/storage-path';

describe('storage keys', () => {
  let scratch = '';
  beforeAll(() => {
    scratch = mkdtempSync(path.join(tmpdir(), 'storage-'));
    mkdirSync(path.join(scratch, 'root/films'), { recursive: true });
    mkdirSync(path.join(scratch, 'root-old'));
    writeFileSync(path.join(scratch, 'root/films/a.mp4'), 'inside');
    writeFileSync(path.join(scratch, 'root-old/a.mp4'), 'outside');
    writeFileSync(path.join(scratch, 'secret'), 'outside');
    symlinkSync(path.join(scratch, 'secret'), path.join(scratch, 'root/link.mp4'));
    symlinkSync(path.join(scratch, 'root-old'), path.join(scratch, 'root/old'));
    symlinkSync(path.join(scratch, 'root/films/a.mp4'), path.join(scratch, 'root/inner.mp4'));
    symlinkSync(path.join(scratch, 'root'), path.join(scratch, 'mounted'));
  });
  afterAll(() => rmSync(scratch, { recursive: true }));

  it('open what lies under the root, also when the root is a link or a link stays inside', async () => {
    for (const [root, key] of [
      ['root', 'films/a.mp4'],
      ['mounted', 'films/a.mp4'],
      ['root', 'inner.mp4'],
    ] as const) {
      const { file, sizeBytes } = await createStorage(path.join(scratch, root)).open(key);
      await file.close();
      expect(sizeBytes).toBe(6);
    }
  });

  it.each([
    ['link.mp4', 'storage-escape'],
    ['old/a.mp4', 'storage-escape'],
    ['../secret', 'storage-key-refused'],
    ['films/../../secret', 'storage-key-refused'],
    ['/etc/passwd', 'storage-key-refused'],
    ['films\\a.mp4', 'storage-key-refused'],
    ['films/a.mp4\u0000.jpg', 'storage-key-refused'],
    ['', 'storage-key-refused'],
    ['.', 'storage-key-refused'],
    ['films/none.mp4', 'asset-missing'],
    ['films/a.mp4/x', 'asset-missing'],
    ['films', 'storage-unreadable'],
  ])('%j is refused as %s', async (key, code) => {
    await expect(createStorage(path.join(scratch, 'root')).open(key)).rejects.toMatchObject({ code });
  });

  it('a missing root is told by the readiness check', async () => {
    await expect(createStorage(path.join(scratch, 'none')).check()).rejects.toMatchObject({ code: 'asset-missing' });
  });
});
