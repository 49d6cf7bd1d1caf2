import type { Core } from '@strapi/strapi';
import { configOf } from '../../../config';
import { subjectKey } from '../../../tokens/subject-origin';
import { batched } from '../../batch';
import { getService } from '../../get-service';
import type { Denial } from '../decision';
import { askRule, checkRule, type Rule } from './code-rule';
import { type ConfiguredRule, compileRule, judgeAll, tryOut } from './configured-rule';
import { schemasOf } from './schemas';
import { combine, type RuleQuestion, type Verdict } from './verdict';
import { watchRules } from './watch';

export type { Rule, RuleAnswer } from './code-rule';
export type { RuleQuestion } from './verdict';

/** Whom a change concerns; without a field: everybody. Numbers and strings are the same id. */
export interface ChangeScope {
  /** Id of a Users & Permissions user. */
  user?: number | string | null;
  /** A user who lives elsewhere, as the audit names one: `<id of the API token>:<id there>`. */
  subject?: string | null;
  /** `documentId` of a video. */
  video?: string | null;
}

/**
 * `strapi.plugin('protected-vod').service('entitlement')`, as far as it is for sites. A promise is kept when the sessions
 * that are concerned are due; none of them rejects because of what a site's rule does.
 */
export interface EntitlementRules {
  /** Throws at once if this is no rule, or if there is one of that name. */
  register(rule: Rule): Promise<void>;
  /** False: there was none. */
  unregister(name: string): Promise<boolean>;
  /** An answer of a rule may be another one now. What cannot be told concerns everybody. */
  changed(scope?: ChangeScope): Promise<void>;
}

export interface Rules extends EntitlementRules {
  /** Checks the rules of the configuration, says in the log what is wrong with them, and begins to watch what they read. */
  start(): Promise<void>;
  /** Sessions of before are decided by the rules of now. */
  announce(): void;
  deliberation(): (question: RuleQuestion) => Promise<Denial | null>;
}

/** The database does not take it. */
function spoil(rule: ConfiguredRule, error: unknown): void {
  rule.grants = 'malformed';
  rule.appliesTo = 'malformed';
  rule.problems.push(error instanceof Error ? error.message : 'the database refuses it.');
}

function malformedSentence({ name, problems }: ConfiguredRule): string {
  return `The rule "${name}" is malformed and denies all that it would decide:\n  ${problems.join('\n  ')}`;
}

/** What the site wrote beyond roles: rules of its configuration and rules of its code. */
export function createRules(strapi: Core.Strapi): Rules {
  const written = new Map<string, Rule>();
  let compiled: ConfiguredRule[] | null = null;
  const report = (problem: string, cause?: unknown) => {
    strapi.log.error(cause instanceof Error ? `${problem} ${cause.stack ?? cause.message}` : problem);
  };

  function configured(): ConfiguredRule[] {
    compiled ??= configOf(strapi).rules.map((rule) => compileRule(schemasOf(strapi), rule));
    return compiled;
  }

  async function judge(questions: readonly RuleQuestion[]): Promise<(Denial | null)[]> {
    const byRule: Verdict[][] = [];
    for (const rule of configured()) byRule.push(await judgeAll(strapi, rule, questions));
    const rules = [...written.values()];
    return Promise.all(
      questions.map(async (question, at) => {
        const answers = await Promise.all(rules.map((rule) => askRule(rule, question, report)));
        return combine([...byRule.flatMap((verdicts) => verdicts[at] ?? []), ...answers], question.caller);
      }),
    );
  }

  async function changed({ user, subject, video }: ChangeScope = {}): Promise<void> {
    await getService(strapi, 'playback-session').store.markDue({
      ...(user !== undefined && user !== null && { origin: { kind: 'user', id: String(user) } }),
      ...(subject !== undefined && subject !== null && { origin: { kind: 'subject', id: subjectKey(subject) } }),
      ...(video !== undefined && video !== null && { video }),
    });
  }

  async function announce(): Promise<void> {
    await changed().catch((error: unknown) => report('A change of rules was not told to running sessions.', error));
  }

  /** While Strapi starts there may be no database yet; all is announced when it listens. */
  async function afterEdit(): Promise<void> {
    if (strapi.isLoaded) await announce();
  }

  return {
    async start() {
      for (const rule of configured()) {
        if (rule.problems.length === 0) await tryOut(strapi, rule).catch((error) => spoil(rule, error));
        if (rule.problems.length > 0) report(malformedSentence(rule));
      }
      watchRules(strapi, configured());
    },
    announce() {
      void announce();
    },
    /** Every question once; what is asked at one time is answered together. */
    deliberation() {
      const asked = new Map<string, RuleQuestion>();
      const denials = batched(async (keys: string[]) => {
        const questions = keys.flatMap((key) => asked.get(key) ?? []);
        const found = await judge(questions);
        return new Map(found.map((denial, at) => [keys[at] ?? '', { denial }]));
      });
      return async (question) => {
        if (configured().length === 0 && written.size === 0) return null;
        const key = JSON.stringify(question);
        asked.set(key, question);
        const answer = await denials(key);
        // No answer is none in favour.
        if (answer === null) throw new Error('The rules left a question unanswered.');
        return answer.denial;
      };
    },
    register(rule) {
      checkRule(rule);
      const isTaken = written.has(rule.name) || configOf(strapi).rules.some(({ name }) => name === rule.name);
      if (isTaken) throw new Error(`There is a rule "${rule.name}" already.`);
      written.set(rule.name, rule);
      return afterEdit();
    },
    async unregister(name) {
      const existed = written.delete(name);
      if (existed) await afterEdit();
      return existed;
    },
    changed,
  };
}
