export type PackagingErrorCode =
  | 'asset-unreadable'
  | 'asset-missing'
  | 'unsupported-codec'
  /** It begins with pictures that it says are not to be seen. */
  | 'hidden-part'
  /** The disk cache is off, or the disk does not take the segment. */
  | 'not-on-disk'
  /** Too much is asked for at once; later it may be served. */
  | 'overloaded';

/** The only class of error the packager throws. The message may name a track, never a path or a storage key. */
export class PackagingError extends Error {
  override readonly name = 'PackagingError';

  constructor(
    readonly code: PackagingErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Gives any failure below the packager its code; the original stays as `cause`. */
export function asPackagingError(error: unknown): PackagingError {
  if (error instanceof PackagingError) return error;
  return isMissing(error)
    ? new PackagingError('asset-missing', 'the film is not in storage', { cause: error })
    : new PackagingError('asset-unreadable', 'the film cannot be read', { cause: error });
}
