/**
 * What the packager did; for counting. `disk-refused`: an entry was not what had been written, and was thrown away.
 * `thread-lost`: a thread crashed or hung and was replaced. `rendition-left-out`: it cannot be read, others of the film can.
 */
export type PackagerEvent =
  | 'film-outlined'
  | 'rendition-left-out'
  | 'segment-cut'
  | 'memory-hit'
  | 'disk-hit'
  | 'disk-refused'
  | 'disk-failed'
  | 'thread-lost';

export type ReportEvent = (event: PackagerEvent) => void;
