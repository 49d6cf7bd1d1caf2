import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { Upload } from '@tus/server';
import { afterEach, describe, expect, it } from 'vitest';
import { IncomingStore } from '../../../../server/src/storage/incoming-store';
import { openStorageRoot } from '../../../../server/src/storage/storage-root';

const ID = 'a'.repeat(32);
const FILM = Buffer.from('the film as it was sent');

let directory = '';
afterEach(() => rm(directory, { recursive: true, force: true }));

async function storeWithFilm(): Promise<IncomingStore> {
  directory = mkdtempSync(path.join(tmpdir(), 'incoming-store-'));
  const store = new IncomingStore(openStorageRoot(path.join(directory, 'root'), path.join(directory, 'public')), 3600);
  await store.create(new Upload({ id: ID, size: FILM.byteLength, offset: 0 }));
  await store.write(Readable.from([FILM]), ID, 0);
  return store;
}

const incoming = () => path.join(directory, 'root', 'incoming', ID);

describe('S23 a complete upload', () => {
  it('can no longer be reached under the name that requests write to', async () => {
    const store = await storeWithFilm();
    const part = await store.complete(ID);
    await writeFile(incoming(), 'something else');
    expect(await readFile(part.path)).toEqual(FILM);
    expect(part.sha256).toBe(createHash('sha256').update(FILM).digest('hex'));
  });

  it('cannot be begun anew while it is being looked at', async () => {
    const store = await storeWithFilm();
    const part = await store.complete(ID);
    await expect(store.create(new Upload({ id: ID, size: FILM.byteLength, offset: 0 }))).rejects.toBeDefined();
    expect(await readFile(part.path)).toEqual(FILM);
    // Whoever asks how far it is learns that every byte has come.
    expect((await store.getUpload(ID)).offset).toBe(FILM.byteLength);
  });

  it('is refused if another request has taken bytes away', async () => {
    const store = await storeWithFilm();
    await writeFile(incoming(), 'short');
    await expect(store.complete(ID)).rejects.toMatchObject({ code: 'upload-missing' });
  });
});
