import { VodError } from '../errors';

export type StorageErrorCode =
  | 'storage-unsafe-root'
  | 'storage-outside-root'
  | 'storage-missing'
  | 'storage-too-large'
  | 'storage-invalid-key'
  | 'storage-name-taken'
  | 'storage-damaged'
  | 'storage-busy'
  | 'storage-wrong-user'
  | 'storage-full'
  | 'storage-quota-exceeded';

export function storageError(code: StorageErrorCode, message: string, cause?: unknown): VodError {
  return new VodError(code, message, cause === undefined ? undefined : { cause });
}

/** Whether a file-system call failed with this `errno` name. */
export function hasErrno(error: unknown, errno: string): boolean {
  return error instanceof Error && 'code' in error && error.code === errno;
}

/** Whether a write failed because the disk, or this user's share of it, is full. */
export function isDiskFull(error: unknown): boolean {
  return hasErrno(error, 'ENOSPC') || hasErrno(error, 'EDQUOT');
}
