import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { DerivedFile } from '../../../server/contracts';
import { IngestError } from './ingest-error';
import { formFault } from './output-form';

const PIECE_BYTES = 1024 * 1024;

/**
 * Looks at the form of a finished file, hashes it, syncs it to the disk and renames it to its assigned place. Throws
 * `IngestError` `output-invalid` if it is empty, no plain file, or not of the form that its name says.
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
    const stats = await handle.stat();
    if (!stats.isFile()) throw new IngestError('output-invalid', `${name} is no file`);
    if (stats.size === 0) throw new IngestError('output-invalid', `${name} is empty`);
    const fault = await formFault(name, handle, stats.size);
    if (fault !== null) throw new IngestError('output-invalid', `${name}: ${fault}`);
    await handle.sync();
    for await (const piece of handle.createReadStream({ start: 0, highWaterMark: PIECE_BYTES, autoClose: false })) {
      hash.update(piece as Buffer);
      sizeBytes += (piece as Buffer).byteLength;
    }
  } finally {
    await handle.close();
  }
  await rename(file, target);
  return { name, sizeBytes, sha256: hash.digest('hex') };
}
