import { describe, expect, it } from 'vitest';
import type { RuleConfig } from '../../../../../server/src/config';
import { compileRule } from '../../../../../server/src/services/entitlement/rules/configured-rule';
import type { Attribute, Schemas } from '../../../../../server/src/services/entitlement/rules/schemas';

const USER = 'plugin::users-permissions.user';
const VIDEO = 'plugin::protected-vod.video';
const ORDER = 'api::order.order';
const COURSE = 'api::course.course';

const to = (target: string): Attribute => ({ type: 'relation', relation: 'manyToOne', target });
const TYPES: Record<string, Record<string, Attribute>> = {
  [USER]: { id: { type: 'increments' }, email: { type: 'email' }, company: to('api::company.company') },
  [VIDEO]: { id: { type: 'increments' }, documentId: { type: 'string' }, slug: { type: 'uid' } },
  [ORDER]: {
    id: { type: 'increments' },
    state: { type: 'enumeration', enum: ['open', 'paid'] },
    total: { type: 'integer' },
    userId: { type: 'string' },
    video: { type: 'string' },
    user: to(USER),
    course: to(COURSE),
    anything: { type: 'relation', relation: 'morphToMany', target: null },
  },
  [COURSE]: { title: { type: 'string' }, publishedAt: { type: 'datetime' }, videos: to(VIDEO), teacher: to(USER) },
  'api::company.company': { members: to(USER), courses: to(COURSE) },
};

const schemas: Schemas = {
  has: (uid) => uid in TYPES,
  attribute: (uid, name) => TYPES[uid]?.[name] ?? null,
  hasDrafts: (uid) => uid === COURSE || uid === VIDEO,
};

const BOUGHT = { state: 'paid', user: '$user', course: { videos: '$video' } };
const compile = (config: Partial<RuleConfig>) =>
  compileRule(schemas, { name: 'a rule', uid: ORDER, filters: BOUGHT, ...config });
const problemsOf = (filters: RuleConfig['filters']) => compile({ filters }).problems;

describe('a rule that can be read', () => {
  it.each([
    ['order of this user, with a course that has this video', BOUGHT],
    ['identities in full', { user: { id: { $eq: '$user' } }, course: { videos: { documentId: '$video' } } }],
    ['ids that are kept as values', { userId: '$user', video: '$video' }],
    ['a filter beside the placeholder', { user: { id: '$user', email: { $endsWith: '@example.org' } } }],
    ['groups without placeholders', { user: '$user', $or: [{ total: { $gte: 5 } }, { $not: { state: 'open' } }] }],
    ['operators', { user: '$user', total: { $in: [1, 2] }, state: { $ne: 'open' }, course: { $notNull: true } }],
    ['several values at once', { user: '$user', state: ['open', 'paid'] }],
  ])('%s', (_what, filters) => {
    expect(problemsOf(filters)).toEqual([]);
  });

  it('counts no drafts on its way, whether placeholders lie there or not', () => {
    const published = { publishedAt: { $notNull: true } };
    const { grants } = compile({});
    expect(grants).toMatchObject({ filters: [{ state: 'paid' }], parts: [{}, { pattern: { filters: [published] } }] });
    const plain = compile({ filters: { user: '$user', course: { title: 'A', $or: [{ title: 'B' }] } } }).grants;
    const filters = [{ title: 'A' }, { $or: [{ $and: [{ title: 'B' }] }] }, published];
    expect(plain).toMatchObject({ filters: [{ course: { $and: filters } }] });
  });

  it('reads types whose rows speak for anybody, and leaves out the user and the video that it asks for', () => {
    expect(compile({}).uids).toEqual([COURSE]);
    expect(compile({ filters: { user: '$user', course: { teacher: { email: 'a@example.org' } } } }).uids).toEqual([
      COURSE,
      USER,
    ]);
    const members = { id: '$user', company: { courses: { videos: '$video' } } };
    expect(compile({ uid: USER, filters: members }).uids.toSorted()).toEqual(['api::company.company', COURSE]);
    expect(compile({ videosOf: { uid: COURSE, filters: { videos: '$video' } } }).uids).toEqual([COURSE]);
  });
});

describe('a rule that cannot be read says where and why', () => {
  it.each([
    ['a misspelt attribute', { ...BOUGHT, stat: 'paid' }, `filters.stat: unknown attribute of ${ORDER}.`],
    [
      'a misspelt attribute on the way',
      { user: '$user', course: { vidoes: '$video' } },
      `filters.course.vidoes: unknown attribute of ${COURSE}.`,
    ],
    ['an operator', { ...BOUGHT, total: { $above: 5 } }, 'filters.total.$above: unknown operator.'],
    ['an operator of a whole filter', { ...BOUGHT, $xor: [] }, 'filters.$xor: unknown operator.'],
    ['a value', { ...BOUGHT, state: 'payed' }, 'filters.state: "payed" is none of "open", "paid".'],
    [
      'a value in a list',
      { ...BOUGHT, state: { $in: ['payed'] } },
      'filters.state.$in: "payed" is none of "open", "paid".',
    ],
    ['a value that is none', { ...BOUGHT, total: () => 5 }, 'filters.total: expected a value.'],
    ['an operator without a value', { ...BOUGHT, total: {} }, 'filters.total: expected a value.'],
    ['a list that is none', { ...BOUGHT, $or: { total: 5 } }, 'filters.$or: expected a list of filters.'],
    ['an empty filter', { ...BOUGHT, $not: {} }, 'filters.$not: expected a filter.'],
    ['no filter at all', {}, 'filters: expected a filter.'],
    [
      'a relation to anything',
      { ...BOUGHT, anything: { id: 5 } },
      'filters.anything: filters cannot follow this field.',
    ],
    [
      'a user where a course is',
      { course: '$user' },
      `filters.course: $user may not stand here, this leads to ${COURSE}.`,
    ],
    ['a video in a number', { total: '$video' }, 'filters.total: $video may not stand here.'],
    [
      'a user in another field of the user',
      { user: { email: '$user' } },
      'filters.user.email: $user may not stand here.',
    ],
    ['a user as the id of an order', { id: '$user' }, 'filters.id: $user may not stand here.'],
    ['a user who is not', { ...BOUGHT, user: { $ne: '$user' } }, 'filters.user.$ne: may not stand here.'],
    ['a user among alternatives', { $or: [{ userId: '$user' }] }, 'filters.$or[0].userId: $user may not stand here.'],
    ['a placeholder that is none', { ...BOUGHT, userId: '$usr' }, 'filters.userId: $usr is no placeholder.'],
    ['nobody', { state: 'paid' }, 'filters: expected $user or $video.'],
  ])('%s', (_what, filters, problem) => {
    const rule = compile({ filters });
    expect(rule.problems).toContain(problem);
    expect(rule.grants).toBe('malformed');
    expect(rule.appliesTo).toEqual([]);
  });

  it('an unknown type', () => {
    expect(compile({ uid: 'api::ordre.ordre' }).problems).toEqual(['filters: unknown type api::ordre.ordre.']);
  });

  it.each([
    ['videos', { videos: { slgu: 'a' } }, `videos.slgu: unknown attribute of ${VIDEO}.`],
    ['a type', { videosOf: { uid: 'api::x.x', filters: {} } }, 'videosOf.filters: unknown type api::x.x.'],
    [
      'a filter that names no video',
      { videosOf: { uid: COURSE, filters: { title: 'A' } } },
      'videosOf.filters: expected $video, and no $user.',
    ],
    [
      'a filter that names the user',
      { videosOf: { uid: COURSE, filters: { videos: '$video', teacher: '$user' } } },
      'videosOf.filters: expected $video, and no $user.',
    ],
  ])('what it applies to: %s; then it concerns every video', (_what, config, problem) => {
    const rule = compile(config);
    expect(rule.problems).toEqual([problem]);
    expect(rule.appliesTo).toBe('malformed');
  });
});
