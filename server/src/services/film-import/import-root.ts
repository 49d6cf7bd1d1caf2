import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { VodError } from '../../errors';
import { hasErrno } from '../../storage/storage-error';
import { liesWithin } from '../../storage/storage-root';
import { getService } from '../get-service';

const overlap = (one: string, other: string) => liesWithin(one, other) || liesWithin(other, one);

async function realpathOrSelf(directory: string): Promise<string> {
  return realpath(directory).catch(() => path.resolve(directory));
}

async function resolve(directory: string): Promise<string> {
  try {
    const resolved = await realpath(directory);
    if ((await stat(resolved)).isDirectory()) return resolved;
  } catch (error) {
    if (!hasErrno(error, 'ENOENT') && !hasErrno(error, 'ENOTDIR') && !hasErrno(error, 'EACCES')) throw error;
  }
  throw new VodError('import-no-directory', `${directory} is no directory that can be read.`);
}

/**
 * The directory to import from, resolved. Throws `VodError` `import-no-directory`, `import-from-storage`, or
 * `import-from-public`: what would be imported from there would stay public beside its protected copy (S22).
 */
export async function resolveImportRoot(strapi: Core.Strapi, directory: string): Promise<string> {
  const resolved = await resolve(directory);
  if (overlap(resolved, getService(strapi, 'storage').root.path)) {
    throw new VodError('import-from-storage', 'The directory overlaps the storage root.');
  }
  if (overlap(resolved, await realpathOrSelf(strapi.dirs.static.public))) {
    throw new VodError(
      'import-from-public',
      'The directory overlaps the public folder, so its films would stay public. For films of the Media Library there is `storage adopt`; move others away first.',
    );
  }
  return resolved;
}
