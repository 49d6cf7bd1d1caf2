/** What the packager did; for counting. `disk-refused`: an entry was not what had been written, and was thrown away. */
export type PackagerEvent =
  | 'film-outlined'
  | 'segment-cut'
  | 'memory-hit'
  | 'disk-hit'
  | 'disk-refused'
  | 'disk-failed';

export type ReportEvent = (event: PackagerEvent) => void;
