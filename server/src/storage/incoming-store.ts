import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { FileStore } from '@tus/file-store';
import { ERRORS, Upload } from '@tus/server';
import { VodError } from '../errors';
import { PartRecords } from './part-records';
import type { ReceivedPart } from './receive';
import { RunningHashes } from './running-hash';
import { FILE_MODE, type StorageRoot } from './storage-root';
import { writeAll } from './write-all';

const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;

/**
 * Keeps resumable uploads in `incoming/`, private to this user, hashed while they arrive. A finished upload is
 * remembered until it expires, so that a client that lost the last answer can ask for it again.
 */
export class IncomingStore extends FileStore {
  readonly records: PartRecords;
  readonly #hashes = new RunningHashes();
  /** Uploads whose bytes have come and whose fate is being decided. */
  readonly #completing = new Set<string>();

  constructor(root: StorageRoot, lifetimeSeconds: number) {
    const records = new PartRecords(root);
    super({
      directory: path.join(root.path, 'incoming'),
      configstore: records,
      expirationPeriodInMilliseconds: lifetimeSeconds * 1000,
    });
    this.records = records;
    // tus 1.0.0 extensions; the length is in the token, so it is never deferred.
    this.extensions = ['creation', 'creation-with-upload', 'termination', 'expiration'];
  }

  #pathOf(id: string): string {
    return path.join(this.directory, id);
  }

  override async create(upload: Upload): Promise<Upload> {
    if ((await this.records.find(upload.id))?.result !== undefined) throw ERRORS.INVALID_TERMINATION;
    // Nothing is awaited between this look and the open, so what is being looked at is never emptied.
    if (this.#completing.has(upload.id)) throw ERRORS.INVALID_TERMINATION;
    this.#hashes.forget(upload.id);
    // A client that lost the answer to its creation request sends it again and starts from nothing.
    const handle = await open(this.#pathOf(upload.id), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, FILE_MODE);
    await handle.close();
    await this.records.set(upload.id, upload);
    return upload;
  }

  override async getUpload(id: string): Promise<Upload> {
    const record = await this.records.find(id);
    if (record && (record.result !== undefined || this.#completing.has(id))) {
      return new Upload({ ...record, offset: record.size });
    }
    return super.getUpload(id);
  }

  override async write(source: Readable, id: string, offset: number): Promise<number> {
    const record = await this.records.find(id);
    if (!record) throw ERRORS.FILE_NOT_FOUND;
    if (record.result !== undefined || this.#completing.has(id)) return offset;
    const part = { id, path: this.#pathOf(id), startedAt: record.creation_date };
    const running = await this.#hashes.upTo(part, offset);
    const handle = await open(part.path, O_WRONLY | O_NOFOLLOW);
    try {
      await this.#append(handle, source, running);
    } finally {
      await handle.close();
    }
    return running.bytes;
  }

  async #append(
    handle: FileHandle,
    source: Readable,
    running: { hash: { update(b: Buffer): unknown }; bytes: number },
  ) {
    for await (const piece of source) {
      const bytes = piece as Buffer;
      await writeAll(handle, bytes, running.bytes);
      running.hash.update(bytes);
      running.bytes += bytes.byteLength;
    }
  }

  /**
   * Takes the complete bytes of an upload out of the reach of further requests, until `settle`. Throws `VodError`
   * `upload-missing` if another request has changed them.
   */
  async complete(id: string): Promise<ReceivedPart> {
    const record = await this.records.find(id);
    if (!record) throw ERRORS.FILE_NOT_FOUND;
    this.#completing.add(id);
    const path = `${this.#pathOf(id)}.complete`;
    await rename(this.#pathOf(id), path);
    if ((await stat(path)).size !== record.size) {
      await rm(path, { force: true });
      throw new VodError('upload-missing', 'The upload was begun anew. Send it again.');
    }
    const { hash } = await this.#hashes.upTo({ id, path, startedAt: record.creation_date }, record.size);
    this.#hashes.forget(id);
    return { path, sizeBytes: record.size, sha256: hash.digest('hex') };
  }

  /** The fate of a completed upload is on record. */
  settle(id: string): void {
    this.#completing.delete(id);
  }

  /** Removes bytes and record; whatever is already gone is fine. */
  async discard(id: string): Promise<void> {
    this.#hashes.forget(id);
    await rm(this.#pathOf(id), { force: true });
    await this.records.delete(id);
  }
}
