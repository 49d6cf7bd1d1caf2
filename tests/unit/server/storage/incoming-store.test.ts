import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { Upload } from '@tus/server';
import { afterEach, describe, expect, it } from 'vitest';
import { IncomingStore } from '../../../../server/src/storage/incoming-store';
import { openStorageRoot } from '../../../../server/src/storage/storage-root';
import { parseUploadChecksum } from '../../../../server/src/storage/upload-checksum';
import type { UploadRecord, UploadRecords } from '../../../../server/src/storage/upload-records';

const ID = 'a'.repeat(32);
const FILM = Buffer.from('the film as it was sent');
const HALF = 8;

let directory = '';
afterEach(() => rm(directory, { recursive: true, force: true }));

/** In memory; it outlives a store as the database outlives a process. */
class MapRecords implements UploadRecords {
  readonly all = new Map<string, UploadRecord>();
  reserve(id: string, sizeBytes: number): void {
    const expiresAt = Date.now() + 3_600_000;
    this.all.set(id, { id, sizeBytes, expiresAt, attempt: null, checkedBytes: null, isSettled: false });
  }
  async find(id: string): Promise<UploadRecord | null> {
    return this.all.get(id) ?? null;
  }
  async begin(id: string, attempt: string): Promise<void> {
    this.#change(id, { attempt, checkedBytes: null });
  }
  async setCheckedBytes(id: string, checkedBytes: number | null): Promise<void> {
    this.#change(id, { checkedBytes });
  }
  async remove(id: string): Promise<void> {
    this.all.delete(id);
  }
  #change(id: string, change: Partial<UploadRecord>): void {
    const record = this.all.get(id);
    if (record) this.all.set(id, { ...record, ...change });
  }
}

const records = new MapRecords();

/** Another process on the same storage. */
function openStore(): IncomingStore {
  const root = openStorageRoot(path.join(directory, 'root'), path.join(directory, 'public'));
  return new IncomingStore({ root, records, lifetimeSeconds: 3600, minFreeBytes: 0 });
}

async function begin(): Promise<IncomingStore> {
  directory = mkdtempSync(path.join(tmpdir(), 'incoming-store-'));
  const store = openStore();
  records.reserve(ID, FILM.byteLength);
  await store.create(new Upload({ id: ID, size: FILM.byteLength, offset: 0 }));
  return store;
}

async function storeWithFilm(): Promise<IncomingStore> {
  const store = await begin();
  await store.write(Readable.from([FILM]), ID, 0);
  return store;
}

const incoming = () => path.join(directory, 'root', 'incoming', ID);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const checksumOf = (bytes: Buffer, algorithm = 'sha256') =>
  parseUploadChecksum(`${algorithm} ${createHash(algorithm).update(bytes).digest('base64')}`);
const offsetOf = async (store: IncomingStore) => (await store.getUpload(ID)).offset;

describe('S23 a complete upload', () => {
  it('can no longer be reached under the name that requests write to', async () => {
    const store = await storeWithFilm();
    const part = await store.complete(ID);
    await writeFile(incoming(), 'something else');
    expect(await readFile(part.path)).toEqual(FILM);
    expect(part.sha256).toBe(sha256(FILM));
  });

  it('can be looked at again where that was cut off or failed, also by another process', async () => {
    const store = await storeWithFilm();
    await rm((await store.complete(ID)).path);
    expect(await offsetOf(store)).toBe(FILM.byteLength);
    for (const other of [store, openStore()]) {
      const part = await other.complete(ID);
      expect(await readFile(part.path)).toEqual(FILM);
      expect(part.sha256).toBe(sha256(FILM));
    }
  });

  it('is refused if another request has taken bytes away', async () => {
    const store = await storeWithFilm();
    await writeFile(incoming(), 'short');
    await expect(store.complete(ID)).rejects.toMatchObject({ code: 'upload-missing' });
  });

  it('leaves nothing once it is discarded', async () => {
    const store = await storeWithFilm();
    await store.complete(ID);
    await store.discard(ID);
    expect(await readdir(path.dirname(incoming()))).toEqual([]);
  });
});

describe('an upload in pieces', () => {
  it.each([
    ['by the process that began it', (store: IncomingStore) => store],
    ['by another process, which has not seen the first bytes', openStore],
    [
      'by another process, which has read them before',
      async () => {
        const store = openStore();
        await store.prime(ID);
        return store;
      },
    ],
  ])('goes on %s, and has the hash of the whole', async (_, next) => {
    const first = await begin();
    await first.write(Readable.from([FILM.subarray(0, HALF)]), ID, 0);
    const second = await next(first);
    expect(await offsetOf(second)).toBe(HALF);
    await second.write(Readable.from([FILM.subarray(HALF)]), ID, HALF);
    expect((await second.complete(ID)).sha256).toBe(sha256(FILM));
  });

  it('by turns between two processes has the hash of the whole', async () => {
    const [first, second] = [await begin(), openStore()];
    for (let at = 0; at < FILM.byteLength; at += 5) {
      const store = at % 2 === 0 ? first : second;
      await store.write(Readable.from([FILM.subarray(at, at + 5)]), ID, at);
    }
    expect((await first.complete(ID)).sha256).toBe(sha256(FILM));
  });

  it('that another process has begun anew is not taken for the one that was known', async () => {
    const [first, second] = [await begin(), openStore()];
    await first.write(Readable.from([FILM.subarray(0, HALF)]), ID, 0);
    await second.create(new Upload({ id: ID, size: FILM.byteLength, offset: 0 }));
    const other = Buffer.from(FILM).reverse();
    await second.write(Readable.from([other.subarray(0, HALF)]), ID, 0);
    await first.write(Readable.from([other.subarray(HALF)]), ID, HALF);
    expect((await first.complete(ID)).sha256).toBe(sha256(other));
  });

  it('that is begun anew starts from nothing, and forgets the hash', async () => {
    const store = await storeWithFilm();
    await store.create(new Upload({ id: ID, size: FILM.byteLength, offset: 0 }));
    expect(await offsetOf(store)).toBe(0);
    const other = Buffer.from(FILM).reverse();
    await store.write(Readable.from([other]), ID, 0);
    expect((await store.complete(ID)).sha256).toBe(sha256(other));
  });
});

describe('a piece with a checksum', () => {
  const send = (store: IncomingStore, bytes: Buffer, checksum: Buffer, offset = 0, algorithm = 'sha256') =>
    store.withChecksum(checksumOf(checksum, algorithm), () => store.write(Readable.from([bytes]), ID, offset));

  it.each(['sha1', 'sha256'])('counts if its %s is right', async (algorithm) => {
    const store = await begin();
    const [one, two] = [FILM.subarray(0, HALF), FILM.subarray(HALF)];
    await send(store, one, one, 0, algorithm);
    await send(store, two, two, HALF, algorithm);
    expect((await store.complete(ID)).sha256).toBe(sha256(FILM));
  });

  it('counts for nothing if it is wrong or was cut off, and the right one goes on from there', async () => {
    const store = await begin();
    const [one, two] = [FILM.subarray(0, HALF), FILM.subarray(HALF)];
    await send(store, one, one);
    for (const wrong of [Buffer.from(two).fill(0, 3, 4), two.subarray(0, 3)]) {
      await expect(send(store, wrong, two, HALF)).rejects.toMatchObject({ code: 'upload-checksum-mismatch' });
      expect(await offsetOf(store)).toBe(HALF);
      expect((await readFile(incoming())).byteLength).toBe(HALF);
    }
    await send(store, two, two, HALF);
    expect((await store.complete(ID)).sha256).toBe(sha256(FILM));
  });

  it('counts for nothing if the process died before all of it came', async () => {
    const store = await begin();
    await store.write(Readable.from([FILM.subarray(0, HALF)]), ID, 0);
    // As it stands on disk and on record then.
    await writeFile(incoming(), Buffer.concat([FILM.subarray(0, HALF), Buffer.from('unchecked')]));
    await records.setCheckedBytes(ID, HALF);
    const next = openStore();
    await next.prime(ID);
    expect(await offsetOf(next)).toBe(HALF);
    await send(next, FILM.subarray(HALF), FILM.subarray(HALF), HALF);
    expect((await next.complete(ID)).sha256).toBe(sha256(FILM));
  });

  it('and a piece without one counts behind that as it comes', async () => {
    const store = await begin();
    await store.write(Readable.from([FILM.subarray(0, HALF)]), ID, 0);
    await records.setCheckedBytes(ID, HALF);
    const next = openStore();
    await next.prime(ID);
    await next.write(Readable.from([FILM.subarray(HALF, HALF + 3)]), ID, HALF);
    expect(await offsetOf(next)).toBe(HALF + 3);
  });

  it.each(['sha512 AAAA', 'sha256 AAAA', 'sha256', 'SHA256 AAAA', 'sha256  AAAA', 'md5 rL0Y20zC+Fzt72VPzMSk2A=='])(
    '“%s” is refused',
    (header) => {
      expect(() => parseUploadChecksum(header)).toThrow(expect.objectContaining({ code: 'upload-checksum-invalid' }));
    },
  );
});

it('bytes that a full disk took without the hash seeing them are read again', async () => {
  const store = await begin();
  await store.write(Readable.from([FILM.subarray(0, HALF)]), ID, 0);
  await writeFile(incoming(), FILM.subarray(0, HALF + 3));
  expect(await offsetOf(store)).toBe(HALF + 3);
  await store.write(Readable.from([FILM.subarray(HALF + 3)]), ID, HALF + 3);
  expect((await store.complete(ID)).sha256).toBe(sha256(FILM));
  await truncate(`${incoming()}.complete`, 3);
  await expect(store.complete(ID)).rejects.toMatchObject({ code: 'upload-missing' });
});

it('stops before the disk is full: room on it belongs to the database and the segments', async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'incoming-store-'));
  const root = openStorageRoot(path.join(directory, 'root'), path.join(directory, 'public'));
  const store = new IncomingStore({ root, records, lifetimeSeconds: 3600, minFreeBytes: 2 ** 60 });
  records.reserve(ID, FILM.byteLength);
  await store.create(new Upload({ id: ID, size: FILM.byteLength, offset: 0 }));
  await expect(store.write(Readable.from([FILM]), ID, 0)).rejects.toMatchObject({ code: 'storage-full' });
  expect(await offsetOf(store)).toBe(0);
});
