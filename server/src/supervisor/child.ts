/** What a launched child tells its supervisor. Each may be called at any time after `launch` has returned. */
export interface ChildEvents {
  /** The child serves. */
  ready(): void;
  /** The child cannot go on; it is to be ended if it does not end by itself. */
  failing(reason: string): void;
  /** The process is gone, or never came to be. Called exactly once, and last. */
  exited(how: string): void;
}

export interface Child {
  /** Undefined: no process could be made; `exited` follows. */
  readonly pid: number | undefined;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export type Launch = (events: ChildEvents) => Child;

export interface SupervisorLog {
  info(sentence: string): void;
  warn(sentence: string): void;
  error(sentence: string): void;
}
