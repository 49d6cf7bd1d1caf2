/** The states of supervisord, under its names, so that operators can read them. */
export type ProcessState = 'STOPPED' | 'STARTING' | 'RUNNING' | 'BACKOFF' | 'STOPPING' | 'EXITED' | 'FATAL';

export interface ProcessStatus {
  name: string;
  state: ProcessState;
  /** Null: no process exists now. */
  pid: number | null;
  /** Since the living process was started; null without one. */
  uptimeSeconds: number | null;
  /** Processes started after the first one. */
  restarts: number;
  /** Why the last process ended or could not start; null: none has. */
  lastEnd: string | null;
}
