import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Upload } from '@tus/server';
import { z } from 'zod';
import { hasErrno } from './storage-error';
import { FILE_MODE, type StorageRoot } from './storage-root';

const recordSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  size: z.number().int().nonnegative(),
  creation_date: z.string(),
  /** Set once the film is in the library: what the client is told, also when it asks again. */
  result: z.string().optional(),
});

export type PartRecord = z.infer<typeof recordSchema>;

/** What is known about each resumable upload, as a small file beside its bytes; survives a restart. */
export class PartRecords {
  readonly #directory: string;

  constructor(root: StorageRoot) {
    this.#directory = path.join(root.path, 'incoming');
  }

  #pathOf(id: string): string {
    return path.join(this.#directory, `${recordSchema.shape.id.parse(id)}.json`);
  }

  async find(id: string): Promise<PartRecord | null> {
    try {
      return recordSchema.parse(JSON.parse(await readFile(this.#pathOf(id), 'utf8')));
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return null;
      throw error;
    }
  }

  async save(record: PartRecord): Promise<void> {
    const target = this.#pathOf(record.id);
    await writeFile(`${target}.new`, JSON.stringify(record), { mode: FILE_MODE });
    await rename(`${target}.new`, target);
  }

  // The names below are tus-node-server's store interface.
  async get(id: string): Promise<Upload | undefined> {
    const record = await this.find(id);
    return record ? new Upload({ ...record, offset: 0 }) : undefined;
  }

  async set(id: string, upload: Upload): Promise<void> {
    const { size = 0, creation_date = new Date().toISOString() } = upload;
    await this.save({ id, size, creation_date });
  }

  async delete(id: string): Promise<void> {
    await rm(this.#pathOf(id), { force: true });
  }
}
