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
  /** Undefined: there is no process yet, or none could be made; in that case `exited` follows. */
  readonly pid: number | undefined;
  /** Undefined: since it was launched. */
  readonly uptimeSeconds?: number | undefined;
  /** It is needed here no more, and ends unless others need it; `exited` follows in both cases. */
  leave(): void;
  /** It is to end in good order, whoever needs it. */
  terminate(): void;
  /** At once. */
  kill(): void;
}

export type Launch = (events: ChildEvents) => Child;

export interface SupervisorLog {
  info(sentence: string): void;
  warn(sentence: string): void;
  error(sentence: string): void;
}
