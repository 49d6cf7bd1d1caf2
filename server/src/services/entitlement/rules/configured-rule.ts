import type { Core } from '@strapi/strapi';
import type { RuleConfig } from '../../../config';
import { VIDEO_UID } from '../../../content-types/uids';
import { compilePattern } from './compile-pattern';
import { findMatches, type Matches } from './find-matches';
import { mentions, type Pattern } from './pattern';
import type { FilterCheck } from './plain-filter';
import type { Schemas } from './schemas';
import type { RuleQuestion, Verdict } from './verdict';

/** A rule of the configuration, checked against the site's content types. */
export interface ConfiguredRule {
  name: string;
  /** Null: all roles. */
  roles: readonly string[] | null;
  /** All have to be met by the video; `malformed` concerns every video. */
  appliesTo: Pattern[] | 'malformed';
  /** Whom the rule allows what. */
  grants: Pattern | 'malformed';
  /** What is wrong with it; empty if nothing is. */
  problems: string[];
  /** Types of which a row may speak for or against anybody, that of `grants` aside. */
  uids: string[];
}

interface Filtered {
  uid: string;
  filters: unknown;
  at: string;
  countsDrafts: boolean;
}

interface Compiled {
  pattern: Pattern | 'malformed';
  problems: string[];
  uids: string[];
}

function compileOne(schemas: Schemas, { uid, filters, at, countsDrafts }: Filtered): Compiled {
  if (!schemas.has(uid)) return { pattern: 'malformed', problems: [`${at}: unknown type ${uid}.`], uids: [] };
  const check: FilterCheck = { schemas, countsDrafts, problems: [], uids: new Set() };
  const pattern = compilePattern(check, uid, filters, at);
  return {
    pattern: check.problems.length > 0 ? 'malformed' : pattern,
    problems: check.problems,
    uids: [...check.uids],
  };
}

/** A pattern that says nothing of whom or what it is about would hold for everybody. */
function bound(compiled: Compiled, isBound: (pattern: Pattern) => boolean, problem: string): Compiled {
  if (compiled.pattern === 'malformed' || isBound(compiled.pattern)) return compiled;
  return { ...compiled, pattern: 'malformed', problems: [problem] };
}

function compileApplication(schemas: Schemas, { videos, videosOf }: RuleConfig): Compiled[] {
  const compiled: Compiled[] = [];
  if (videos) {
    const one = compileOne(schemas, {
      uid: VIDEO_UID,
      filters: { ...videos, documentId: '$video' },
      at: 'videos',
      countsDrafts: true,
    });
    // Here the published row itself is looked for, in any language.
    if (one.pattern !== 'malformed') one.pattern.filters.push({ publishedAt: { $notNull: true } });
    compiled.push(one);
  }
  if (videosOf) {
    const { uid, filters } = videosOf;
    // What is protected shall not be open for as long as its course is a draft.
    const one = compileOne(schemas, { uid, filters, at: 'videosOf.filters', countsDrafts: true });
    const isBound = (pattern: Pattern) => mentions(pattern, 'video') && !mentions(pattern, 'user');
    one.uids.push(uid);
    compiled.push(bound(one, isBound, 'videosOf.filters: expected $video, and no $user.'));
  }
  return compiled;
}

export function compileRule(schemas: Schemas, config: RuleConfig): ConfiguredRule {
  const application = compileApplication(schemas, config);
  const isBound = (pattern: Pattern) => mentions(pattern, 'user') || mentions(pattern, 'video');
  const compiled = compileOne(schemas, {
    uid: config.uid,
    filters: config.filters,
    at: 'filters',
    countsDrafts: false,
  });
  const grants = bound(compiled, isBound, 'filters: expected $user or $video.');
  const patterns = application.flatMap(({ pattern }) => (pattern === 'malformed' ? [] : [pattern]));
  const all = [...application, grants];
  return {
    name: config.name,
    roles: config.roles ?? null,
    appliesTo: patterns.length < application.length ? 'malformed' : patterns,
    grants: grants.pattern,
    problems: all.flatMap(({ problems }) => problems),
    uids: [...new Set(all.flatMap(({ uids }) => uids))],
  };
}

/** What the database said about all that was asked together. */
interface Findings {
  applies: Matches;
  allows: Matches;
}

async function findingsOf(
  strapi: Core.Strapi,
  rule: ConfiguredRule,
  questions: readonly RuleQuestion[],
): Promise<Findings> {
  const users = new Set(questions.flatMap(({ caller }) => (caller.kind === 'user' ? [caller.id] : [])));
  const videos = new Set(questions.map(({ video }) => video.documentId));
  const subjects = { users: [...users], videos: [...videos] };
  const conditions: Matches[] = [];
  for (const pattern of rule.appliesTo === 'malformed' ? [] : rule.appliesTo) {
    conditions.push(await findMatches(strapi, pattern, subjects));
  }
  const allows = rule.grants === 'malformed' ? () => false : await findMatches(strapi, rule.grants, subjects);
  return { applies: (user, video) => conditions.every((isMet) => isMet(user, video)), allows };
}

function verdictOf(rule: ConfiguredRule, { applies, allows }: Findings, { caller, video }: RuleQuestion): Verdict {
  const user = caller.kind === 'user' ? caller.id : null;
  if (!applies(user, video.documentId)) return { kind: 'abstain' };
  if (rule.grants === 'malformed' || rule.appliesTo === 'malformed') {
    return { kind: 'deny', rule: rule.name, reason: 'rule-malformed' };
  }
  return allows(user, video.documentId) ? { kind: 'allow' } : { kind: 'unmatched', rule: rule.name };
}

/** Asks the database as a decision would: it refuses some values that a schema cannot judge. Throws what it throws. */
export async function tryOut(strapi: Core.Strapi, rule: ConfiguredRule): Promise<void> {
  const video = { documentId: 'none', locale: null };
  await findingsOf(strapi, rule, [{ caller: { kind: 'user', id: '0' }, role: null, video }]);
}

/** One verdict for each question, in a few queries for all of them. Throws what the database throws. */
export async function judgeAll(
  strapi: Core.Strapi,
  rule: ConfiguredRule,
  questions: readonly RuleQuestion[],
): Promise<Verdict[]> {
  const isConcerned = ({ role }: RuleQuestion) => rule.roles === null || (role !== null && rule.roles.includes(role));
  const concerned = questions.filter(isConcerned);
  const findings = concerned.length > 0 ? await findingsOf(strapi, rule, concerned) : null;
  return questions.map((question) =>
    findings && isConcerned(question) ? verdictOf(rule, findings, question) : { kind: 'abstain' },
  );
}
