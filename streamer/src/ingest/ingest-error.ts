import type { IngestReason } from '../../../server/contracts';

/** Reasons that another attempt would meet again. */
const FINAL: ReadonlySet<IngestReason> = new Set([
  ...(['no-picture', 'source-refused', 'tool-memory', 'tool-timeout'] as const),
  ...(['source-has-too-many-pixels', 'source-is-too-long'] as const),
  ...(['source-has-too-many-tracks', 'source-has-too-many-pictures', 'source-has-too-many-samples'] as const),
  'source-length-unclear',
]);

/** Why a job failed. `detail` is for the log and may quote what ffmpeg said; the reason is what the plugin is told. */
export class IngestError extends Error {
  override readonly name = 'IngestError';

  constructor(
    readonly reason: IngestReason,
    readonly detail: string,
    options?: { cause?: unknown },
  ) {
    super(`${reason}: ${detail}`, options);
  }

  get isFinal(): boolean {
    return FINAL.has(this.reason);
  }
}
