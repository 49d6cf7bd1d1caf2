import { codeOf, describeCause, StreamError } from './errors';
import type { Logger } from './logger';

const EXIT_FAILED = 1;
const EXIT_MISCONFIGURED = 2;
const CONFIG_CODES = new Set(['settings-invalid', 'keys-file-refused', 'internal-url-refused']);

/** Operators read this sentence; it is made of StreamError messages only, which hold no secret. */
export function sentenceOf(error: unknown): string {
  return error instanceof StreamError ? error.message : describeCause(error);
}

export function exitCodeOf(error: unknown): number {
  return CONFIG_CODES.has(codeOf(error) ?? '') ? EXIT_MISCONFIGURED : EXIT_FAILED;
}

/** What ends the process in good order, however often it is called: 0 when `stop` succeeds, else 1. */
export function orderlyEnd(stop: () => Promise<void>, logger: Logger): () => void {
  let ending = false;
  return () => {
    if (ending) return;
    ending = true;
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ code: codeOf(error), message: describeCause(error) }, 'stopping failed');
        process.exit(EXIT_FAILED);
      },
    );
  };
}
