/** `skipped`: it could not be looked at; the message says why. Only `FAIL` makes the whole fail. */
export type Verdict = 'ok' | 'warn' | 'FAIL' | 'skipped';

/** What one check has to say. Holds no secret, token or session id. */
export interface Finding {
  /** Name of the check, stable and for programs. */
  check: string;
  verdict: Verdict;
  message: string;
  /** What to do. */
  advice?: string;
  /** What it is about, one a line, e.g. the films. */
  items?: string[];
}

/** A finding that does not know yet which check it belongs to. */
export type Judgement = Omit<Finding, 'check'>;

export const ok = (message: string): Judgement => ({ verdict: 'ok', message });

export const skipped = (message: string): Judgement => ({ verdict: 'skipped', message });

export const warn = (message: string, advice?: string, items?: string[]): Judgement => ({
  verdict: 'warn',
  message,
  ...(advice !== undefined && { advice }),
  ...(items !== undefined && { items }),
});

export const fail = (message: string, advice?: string, items?: string[]): Judgement => ({
  ...warn(message, advice, items),
  verdict: 'FAIL',
});
