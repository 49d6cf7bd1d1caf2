export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** Ends a command with `EXIT_FAILED` that has said already why. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}
