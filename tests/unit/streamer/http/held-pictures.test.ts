import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_PICTURE_BYTES } from '../../../../server/contracts';
import { createPictureReader } from '../../../../streamer/src/http/held-pictures';
import { createStorage } from '../../../../streamer/src/http/storage-path';

const SIZE = 1000;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'protected-vod-pictures-'));
  for (const name of ['a.jpg', 'b.jpg', 'c.jpg']) await writeFile(path.join(root, name), name.padEnd(SIZE));
});
afterAll(() => rm(root, { recursive: true }));

const picture = (storageKey: string) => ({ storageKey, sizeBytes: SIZE, version: '1' });

describe('pictures that are being sent', () => {
  it('are held once for all who get them, and together within a bound', async () => {
    const read = createPictureReader(createStorage(root), 2 * SIZE);
    const [a, again, b] = await Promise.all(['a.jpg', 'a.jpg', 'b.jpg'].map((name) => read(picture(name))));
    expect(again?.bytes).toBe(a?.bytes);
    expect(b?.bytes.toString()).toBe('b.jpg'.padEnd(SIZE));
    await expect(read(picture('c.jpg'))).rejects.toMatchObject({ code: 'overloaded' });
    a?.release();
    await expect(read(picture('c.jpg'))).rejects.toMatchObject({ code: 'overloaded' });
    again?.release();
    const c = await read(picture('c.jpg'));
    expect(c.bytes.toString()).toBe('c.jpg'.padEnd(SIZE));
  });

  it('that cannot be read hold nothing', async () => {
    const read = createPictureReader(createStorage(root), SIZE);
    await writeFile(path.join(root, 'large.jpg'), '');
    await truncate(path.join(root, 'large.jpg'), MAX_PICTURE_BYTES + 1);
    for (const name of ['none.jpg', 'large.jpg', 'none.jpg']) {
      await expect(read(picture(name))).rejects.toMatchObject({ code: 'asset-missing' });
    }
    await read(picture('a.jpg'));
  });
});
