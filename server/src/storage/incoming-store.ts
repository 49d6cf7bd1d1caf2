import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { DataStore, ERRORS, Upload } from '@tus/server';
import { VodError } from '../errors';
import { FreeSpaceWatch } from './free-space';
import { isWithoutHardLinks } from './library';
import type { ReceivedPart } from './receive';
import { type GrowingPart, type RunningHash, RunningHashes } from './running-hash';
import { hasErrno } from './storage-error';
import { FILE_MODE, type StorageRoot } from './storage-root';
import type { UploadChecksum } from './upload-checksum';
import type { UploadRecord, UploadRecords } from './upload-records';
import { writeAll } from './write-all';

const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;

export interface IncomingStoreParts {
  root: StorageRoot;
  records: UploadRecords;
  lifetimeSeconds: number;
  minFreeBytes: number;
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/**
 * Keeps the bytes of resumable uploads in `incoming/`, private to this user, hashed while they arrive. Who calls it
 * holds the lock of the upload.
 */
export class IncomingStore extends DataStore {
  // tus 1.0.0 extensions; the length is in the token, so it is never deferred.
  override extensions = ['creation', 'creation-with-upload', 'checksum', 'termination', 'expiration'];
  readonly #hashes = new RunningHashes();
  readonly #checksums = new AsyncLocalStorage<UploadChecksum | null>();

  constructor(private readonly parts: IncomingStoreParts) {
    super();
  }

  override getExpiration(): number {
    return this.parts.lifetimeSeconds * 1000;
  }

  /** Runs `action`, in which a piece is written only as a whole, if it is the one that the checksum is of. */
  withChecksum<T>(checksum: UploadChecksum | null, action: () => Promise<T>): Promise<T> {
    return this.#checksums.run(checksum, action);
  }

  override async create(upload: Upload): Promise<Upload> {
    const record = await this.#require(upload.id);
    if (record.isSettled) throw ERRORS.INVALID_TERMINATION;
    // A client that lost the answer to its creation request sends it again and starts from nothing.
    await this.discard(upload.id);
    const handle = await open(this.#pathOf(upload.id), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, FILE_MODE);
    await handle.close();
    upload.creation_date = this.#creationOf(record);
    await this.parts.records.begin(upload.id, randomBytes(16).toString('hex'));
    return upload;
  }

  override async getUpload(id: string): Promise<Upload> {
    const record = await this.#require(id);
    const { sizeBytes: size, attempt, checkedBytes, isSettled } = record;
    if (attempt === null) throw ERRORS.FILE_NOT_FOUND;
    const offset = isSettled ? size : (checkedBytes ?? (await this.bytesOf(id)));
    if (offset === null) throw ERRORS.FILE_NO_LONGER_EXISTS;
    return new Upload({ id, size, offset, creation_date: this.#creationOf(record) });
  }

  override async remove(id: string): Promise<void> {
    await this.discard(id);
    await this.parts.records.remove(id);
  }

  override async write(source: Readable, id: string, offset: number): Promise<number> {
    const record = await this.#require(id);
    // Nothing but an empty piece comes behind the last byte.
    if (record.isSettled || offset === record.sizeBytes) return offset;
    const running = await this.#hashes.upTo(this.#partOf(record), offset);
    const handle = await open(this.#pathOf(id), O_WRONLY | O_NOFOLLOW);
    try {
      // Bytes that came before a crash and were never found right.
      if ((await handle.stat()).size > offset) await handle.truncate(offset);
      if (record.checkedBytes !== null) await this.parts.records.setCheckedBytes(id, null);
      const checksum = this.#checksums.getStore();
      if (checksum) await this.#writeChecked(handle, source, { id, running, checksum });
      else await this.#append(handle, source, running);
    } finally {
      await handle.close();
    }
    return running.bytes;
  }

  /** A piece that is wrong, or was cut off, counts for nothing, also if this process dies meanwhile. */
  async #writeChecked(
    handle: FileHandle,
    source: Readable,
    { id, running, checksum }: { id: string; running: RunningHash; checksum: UploadChecksum },
  ): Promise<void> {
    const before = { ...running, hash: running.hash.copy() };
    const piece = createHash(checksum.algorithm);
    await this.parts.records.setCheckedBytes(id, before.bytes);
    try {
      await this.#append(handle, source, running, piece);
      if (!piece.digest().equals(checksum.digest)) {
        throw new VodError('upload-checksum-mismatch', 'The bytes that came are not those that Upload-Checksum is of.');
      }
    } catch (error) {
      this.#hashes.rewind(id, before);
      await handle.truncate(before.bytes);
      await this.parts.records.setCheckedBytes(id, null);
      throw error;
    }
    await this.parts.records.setCheckedBytes(id, null);
  }

  async #append(handle: FileHandle, source: Readable, running: RunningHash, piece?: Hash): Promise<void> {
    const space = new FreeSpaceWatch(this.parts.root, this.parts.minFreeBytes);
    // A loop that is left would destroy the source, and tus would take that for a client who left.
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      const bytes: Buffer = chunk;
      await space.before(bytes.byteLength);
      await writeAll(handle, bytes, running.bytes);
      running.hash.update(bytes);
      piece?.update(bytes);
      running.bytes += bytes.byteLength;
    }
  }

  /** How many bytes lie there; null: none were ever sent, or they are a film by now. */
  async bytesOf(id: string): Promise<number | null> {
    return (await sizeOf(this.#pathOf(id))) ?? sizeOf(this.#wholeOf(id));
  }

  /** Reads what a restart has made forgotten, outside the lock: that may take long. */
  async prime(id: string): Promise<void> {
    const record = await this.parts.records.find(id);
    if (!record?.attempt || record.isSettled || this.#hashes.has(this.#partOf(record))) return;
    const bytes = record.checkedBytes ?? (await sizeOf(this.#pathOf(id)));
    if (bytes !== null) await this.#hashes.upTo(this.#partOf(record), bytes);
  }

  /**
   * Takes the complete bytes of an upload out of the reach of further requests, and gives them a name that whoever looks
   * at them may take away. Can be done again until `discard`. Throws `VodError` `upload-missing` if bytes are missing.
   */
  async complete(id: string): Promise<ReceivedPart> {
    const record = await this.#require(id);
    const whole = this.#wholeOf(id);
    await rename(this.#pathOf(id), whole).catch((error: unknown) => {
      if (!hasErrno(error, 'ENOENT')) throw error;
    });
    if ((await sizeOf(whole)) !== record.sizeBytes) {
      await this.discard(id);
      throw new VodError('upload-missing', 'Bytes of the upload are missing. Send it again.');
    }
    const { hash } = await this.#hashes.upTo({ ...this.#partOf(record), path: whole }, record.sizeBytes);
    return { path: await this.#twinOf(id), sizeBytes: record.sizeBytes, sha256: hash.copy().digest('hex') };
  }

  /** Where a file system has no hard links, a film that could not be stored must be sent again. */
  async #twinOf(id: string): Promise<string> {
    const twin = `${this.#pathOf(id)}.part`;
    await rm(twin, { force: true });
    try {
      await link(this.#wholeOf(id), twin);
      return twin;
    } catch (error) {
      if (!isWithoutHardLinks(error)) throw error;
      return this.#wholeOf(id);
    }
  }

  /** Removes the bytes under all their names; whatever is already gone is fine. */
  async discard(id: string): Promise<void> {
    this.#hashes.forget(id);
    for (const name of [this.#pathOf(id), this.#wholeOf(id), `${this.#pathOf(id)}.part`]) {
      await rm(name, { force: true });
    }
  }

  #pathOf(id: string): string {
    return path.join(this.parts.root.path, 'incoming', id);
  }

  #wholeOf(id: string): string {
    return `${this.#pathOf(id)}.complete`;
  }

  #partOf({ id, attempt }: UploadRecord): GrowingPart {
    return { id, path: this.#pathOf(id), attempt: attempt ?? '' };
  }

  /** tus counts the time that is left from here; it ends when the token does. */
  #creationOf({ expiresAt }: UploadRecord): string {
    return new Date(expiresAt - this.getExpiration()).toISOString();
  }

  async #require(id: string): Promise<UploadRecord> {
    const record = await this.parts.records.find(id);
    if (!record) throw ERRORS.FILE_NOT_FOUND;
    return record;
  }
}
