import type { DenyReason } from '../contracts';

/** An expected failure inside the plugin. `code` is stable and for programs; `message` is for the operator's log. */
export class VodError extends Error {
  override readonly name = 'VodError';
  readonly code: string;

  constructor(code: DenyReason | string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
