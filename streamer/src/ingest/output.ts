import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { DerivedFile } from '../../../server/contracts';
import { IngestError } from './ingest-error';

const PIECE_BYTES = 1024 * 1024;

/**
 * Hashes a finished file, syncs it to the disk and renames it to its assigned place. Throws `IngestError` `output-invalid` if
 * it is empty or no plain file.
 */
export async function deliverOutput(name: string, file: string, target: string): Promise<DerivedFile> {
  // O_NONBLOCK: whatever lies there, nothing is waited for.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(file, flags).catch((cause: unknown) => {
    throw new IngestError('output-invalid', `${name} was not made`, { cause });
  });
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    if (!(await handle.stat()).isFile()) throw new IngestError('output-invalid', `${name} is no file`);
    await handle.sync();
    for await (const piece of handle.createReadStream({ highWaterMark: PIECE_BYTES, autoClose: false })) {
      hash.update(piece as Buffer);
      sizeBytes += (piece as Buffer).byteLength;
    }
  } finally {
    await handle.close();
  }
  if (sizeBytes === 0) throw new IngestError('output-invalid', `${name} is empty`);
  await rename(file, target);
  return { name, sizeBytes, sha256: hash.digest('hex') };
}
