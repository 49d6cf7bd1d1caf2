import type { GrantedFile } from '../../../server/contracts';
import { StreamError } from '../errors';
import type { Storage } from './storage-path';

/** Far above what is made of films; read in one piece. */
const MAX_BYTES = 32 * 1024 * 1024;

/** What lies beside a film. Throws `StreamError` as the storage does. */
export async function readMadeFile(storage: Pick<Storage, 'open'>, { storageKey }: GrantedFile): Promise<Buffer> {
  const { file, sizeBytes } = await storage.open(storageKey);
  try {
    if (sizeBytes > MAX_BYTES) throw new StreamError('asset-missing', 'A made file is larger than any that is made.');
    return await file.readFile();
  } finally {
    await file.close();
  }
}
