/**
 * What the packager did; for counting. `disk-refused`: an entry was not what had been written, and was thrown away.
 * `thread-lost`: a thread crashed or hung and was replaced.
 */
export type PackagerEvent =
  | 'film-outlined'
  | 'segment-cut'
  | 'memory-hit'
  | 'disk-hit'
  | 'disk-refused'
  | 'disk-failed'
  | 'thread-lost';

export type ReportEvent = (event: PackagerEvent) => void;
