import { isOperatorOfType } from '@strapi/utils';
import { z } from 'zod';
import type { Filters } from './pattern';
import type { Attribute, Schemas } from './schemas';

const LIST_OPERATORS = new Set(['$in', '$notIn', '$between']);
const ENUM_OPERATORS = new Set(['$eq', '$ne', '$in', '$notIn', '$not']);
/** Is read by Strapi only on some databases. */
const UNPORTABLE = new Set(['$jsonSupersetOf']);
/** What a placeholder looks like, also a misspelt one. */
const PLACEHOLDER = /^\$[A-Za-z]+$/;

const recordSchema = z.record(z.string(), z.unknown());
const scalarSchema = z.union([z.string(), z.number(), z.boolean(), z.date(), z.null()]);

/** Collects what is wrong with a rule, and what it reads. */
export interface FilterCheck {
  schemas: Schemas;
  /** Whether a draft is as good as what is published. */
  countsDrafts: boolean;
  /** One sentence each, that begins with the place. */
  problems: string[];
  /** Types of which a row may speak for or against anybody. */
  uids: Set<string>;
}

export function recordOf(value: unknown): Filters | null {
  const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
  return isPlain ? (recordSchema.safeParse(value).data ?? null) : null;
}

/** The type that a relation leads to; null, and a problem, where filters cannot follow it. */
export function targetOf(check: FilterCheck, attribute: Attribute, at: string): string | null {
  if (attribute.target && !attribute.relation?.startsWith('morph') && check.schemas.has(attribute.target)) {
    return attribute.target;
  }
  check.problems.push(`${at}: filters cannot follow this field.`);
  return null;
}

export function publishedOnly({ schemas, countsDrafts }: FilterCheck, uid: string): Filters[] {
  return schemas.hasDrafts(uid) && !countsDrafts ? [{ publishedAt: { $notNull: true } }] : [];
}

function checkScalar(check: FilterCheck, attribute: Attribute | null, value: unknown, at: string): void {
  const { data, success } = scalarSchema.safeParse(value);
  if (!success) {
    check.problems.push(`${at}: expected a value.`);
  } else if (typeof data === 'string' && PLACEHOLDER.test(data)) {
    const isKnown = data === '$user' || data === '$video';
    check.problems.push(`${at}: ${data} ${isKnown ? 'may not stand here' : 'is no placeholder'}.`);
  } else if (typeof data === 'string' && attribute?.enum && !attribute.enum.includes(data)) {
    check.problems.push(`${at}: "${data}" is none of ${attribute.enum.map((one) => `"${one}"`).join(', ')}.`);
  }
}

/** The value beside an attribute that holds a value: the value itself, or operators. */
function checkComparison(check: FilterCheck, attribute: Attribute | null, value: unknown, at: string): void {
  const operators = recordOf(value);
  if (operators === null) {
    for (const one of Array.isArray(value) ? value : [value]) checkScalar(check, attribute, one, at);
    return;
  }
  if (Object.keys(operators).length === 0) check.problems.push(`${at}: expected a value.`);
  for (const [name, operand] of Object.entries(operators)) {
    const place = `${at}.${name}`;
    const compared = ENUM_OPERATORS.has(name) ? attribute : null;
    if (!isOperatorOfType('where', name) || UNPORTABLE.has(name)) {
      check.problems.push(`${place}: ${name.startsWith('$') ? 'unknown operator' : 'unknown attribute'}.`);
    } else if (name === '$not') {
      checkComparison(check, compared, operand, place);
    } else if (Array.isArray(operand) && !LIST_OPERATORS.has(name)) {
      check.problems.push(`${place}: expected one value.`);
    } else {
      for (const one of Array.isArray(operand) ? operand : [operand]) checkScalar(check, compared, one, place);
    }
  }
}

/** A relation compared as a whole: with an id, or whether there is one. */
function isWholeRelation(value: unknown): boolean {
  const keys = Object.keys(recordOf(value) ?? { $eq: value });
  return keys.length > 0 && keys.every((key) => isOperatorOfType('where', key) && key !== '$not');
}

function plainRelation(check: FilterCheck, target: string, value: unknown, at: string): unknown {
  check.uids.add(target);
  if (!isWholeRelation(value)) {
    const nested = plainFilters(check, target, value, at);
    return { $and: [...nested, ...publishedOnly(check, target)] };
  }
  checkComparison(check, null, value, at);
  return value;
}

function plainGroup(check: FilterCheck, uid: string, [key, value]: [string, unknown], at: string): Filters {
  if (key === '$not') return { $not: { $and: plainFilters(check, uid, value, at) } };
  if (!Array.isArray(value)) {
    check.problems.push(`${at}: expected a list of filters.`);
    return {};
  }
  const groups = value.map((one, index) => ({ $and: plainFilters(check, uid, one, `${at}[${index}]`) }));
  return { [key]: groups };
}

/** One entry of a filter without placeholders, as Strapi shall get it: drafts do not count. */
export function plainFilter(check: FilterCheck, uid: string, entry: [string, unknown], at: string): Filters {
  const [name, value] = entry;
  if (name === '$not' || isOperatorOfType('group', name)) return plainGroup(check, uid, entry, at);
  const attribute = check.schemas.attribute(uid, name);
  if (attribute === null) {
    const isOperator = isOperatorOfType('where', name) && !UNPORTABLE.has(name);
    const unknown = name.startsWith('$') ? 'unknown operator' : `unknown attribute of ${uid}`;
    check.problems.push(`${at}: ${isOperator ? 'may not stand here' : unknown}.`);
    return {};
  }
  if (attribute.type === 'relation') {
    const target = targetOf(check, attribute, at);
    return target === null ? {} : { [name]: plainRelation(check, target, value, at) };
  }
  checkComparison(check, attribute, value, at);
  return { [name]: value };
}

function plainFilters(check: FilterCheck, uid: string, value: unknown, at: string): Filters[] {
  const record = recordOf(value);
  if (record === null || Object.keys(record).length === 0) {
    check.problems.push(`${at}: expected a filter.`);
    return [];
  }
  return Object.entries(record).map((entry) => plainFilter(check, uid, entry, `${at}.${entry[0]}`));
}
