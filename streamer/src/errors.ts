export type StreamErrorCode =
  | 'settings-invalid'
  | 'keys-file-refused'
  | 'internal-url-refused'
  | 'storage-key-refused'
  | 'storage-escape'
  | 'asset-missing'
  | 'storage-unreadable'
  | 'overloaded'
  | 'listen-failed'
  | 'nms-unexpected';

/** The streamer's own failures. `message` is for operators and holds no secret and no path; branch on `code` only. */
export class StreamError extends Error {
  readonly code: StreamErrorCode;

  constructor(code: StreamErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StreamError';
    this.code = code;
  }
}

/** The `code` of anything thrown, whichever bundle or library threw it. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** One line about a cause. Messages of system calls carry paths, so only their code and call name are told. */
export function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = codeOf(error);
  if ('syscall' in error && typeof error.syscall === 'string') return `${code ?? error.name} ${error.syscall}`;
  return code === undefined || error.message.includes(code) ? error.message : `${code}: ${error.message}`;
}
