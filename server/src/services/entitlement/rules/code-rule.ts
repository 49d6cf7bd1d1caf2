import { z } from 'zod';
import type { RuleQuestion, Verdict } from './verdict';

const DEFAULT_TIMEOUT_MS = 1000;
/** Streamers give a question up after three seconds, and the rest of the decision takes its time too. */
const MAX_TIMEOUT_MS = 2000;

const answerSchema = z.discriminatedUnion('verdict', [
  z.object({ verdict: z.literal('allow') }),
  z.object({ verdict: z.literal('abstain') }),
  z.object({ verdict: z.literal('deny'), reason: z.string().min(1).max(200) }),
]);

/**
 * `allow`: the caller may watch, as far as this rule is concerned. `deny`: may not, whatever other rules say; `reason` is
 * for the audit and never shown to the viewer. `abstain`: this is no matter for this rule.
 */
export type RuleAnswer = z.infer<typeof answerSchema>;

/** A rule that a site wrote. Asked at mint, at redemption and at every lease: what it answers must come fast. */
export interface Rule {
  /** For logs and the audit; no two rules have the same. */
  name: string;
  /**
   * Whether this caller may watch this video now. One that throws, answers something else or takes too long denies.
   * `signal` is aborted when the time is over.
   */
  decide(question: RuleQuestion, context: { signal: AbortSignal }): Promise<RuleAnswer>;
  /** Time limit of one answer: 1 to 2000, 1000 without it. */
  timeoutMs?: number;
}

const ruleSchema = z.object({
  name: z.string().min(1).max(100),
  decide: z.custom((value) => typeof value === 'function', 'expected a function'),
  timeoutMs: z.number().min(1).max(MAX_TIMEOUT_MS).optional(),
});

/** Throws an Error that says what is wrong with it. */
export function checkRule(rule: Rule): void {
  const parsed = ruleSchema.safeParse(rule);
  if (!parsed.success) throw new Error(`This is no rule: ${z.prettifyError(parsed.error)}`);
}

/** Asks one rule. Never throws: `report` gets what went wrong. */
export async function askRule(
  rule: Rule,
  question: RuleQuestion,
  report: (problem: string, cause?: unknown) => void,
): Promise<Verdict> {
  const limitMs = rule.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const timeout = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const tooSlow = new Promise<Verdict>((resolve) => {
    timer = setTimeout(() => {
      report(`The rule "${rule.name}" did not answer within ${limitMs} ms.`);
      timeout.abort();
      resolve({ kind: 'deny', rule: rule.name, reason: 'rule-too-slow' });
    }, limitMs);
  });
  const answered = answerOf(rule, question, timeout.signal).catch((error: unknown): Verdict => {
    // After its time it may well throw because of the signal.
    if (!timeout.signal.aborted) report(`The rule "${rule.name}" failed.`, error);
    return { kind: 'deny', rule: rule.name, reason: 'rule-failed' };
  });
  return Promise.race([answered, tooSlow]).finally(() => clearTimeout(timer));
}

async function answerOf(rule: Rule, question: RuleQuestion, signal: AbortSignal): Promise<Verdict> {
  const answer = answerSchema.parse(await rule.decide(question, { signal }));
  if (answer.verdict !== 'deny') return { kind: answer.verdict };
  return { kind: 'deny', rule: rule.name, reason: 'rule-denied', words: answer.reason };
}
