import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { VIDEO_UID } from '../../../content-types/uids';
import { getService } from '../../get-service';
import type { Scope } from '../../playback-session/store';
import { isSubject, USER_UID } from './compile-pattern';
import type { ConfiguredRule } from './configured-rule';
import { usersOf } from './find-matches';
import type { Pattern } from './pattern';
import { type Schemas, schemasOf } from './schemas';

interface LifecycleEvent {
  model: { uid: string };
  params: { where?: unknown; data?: unknown };
  result?: unknown;
  /** Handed from `before…` to `after…` of one write. */
  state: Record<string, unknown>;
}

/** Of one row; beyond that everything is looked at again. */
const MAX_USERS = 20;

const everybody: Scope = {};
const rowSchema = z.object({ id: z.union([z.number(), z.string()]) });
const whereSchema = z.record(z.string(), z.unknown());
const idsSchema = z.array(z.string());

/** The part of a pattern that tells for which users a row speaks; null: the row itself does not tell. */
function userPart(pattern: Pattern): Pattern | null {
  const subjects = pattern.subjects.filter(({ subject }) => subject === 'user');
  const parts = pattern.parts.filter((part) => part.pattern.uid === USER_UID && isSubject(part.pattern));
  if (subjects.length === 0 && parts.length === 0) return null;
  const named = parts.map((part) => ({ ...part, pattern: { ...part.pattern, filters: [], parts: [] } }));
  return { uid: pattern.uid, filters: [], subjects, parts: named };
}

/** Types of rules by what a write to one of their rows means. */
interface Watched {
  /** It may concern anybody. */
  forAll: Set<string>;
  /** It concerns the users that the row names. */
  byUser: Map<string, Pattern[]>;
}

function watchedBy(rules: readonly ConfiguredRule[]): Watched {
  const forAll = new Set(rules.flatMap(({ uids }) => uids));
  const byUser = new Map<string, Pattern[]>();
  for (const { grants } of rules) {
    if (grants === 'malformed' || isSubject(grants)) continue;
    const part = userPart(grants);
    if (part === null) forAll.add(grants.uid);
    else byUser.set(grants.uid, [...(byUser.get(grants.uid) ?? []), part]);
  }
  for (const uid of forAll) byUser.delete(uid);
  return { forAll, byUser };
}

/** A user's or video's own relation to a type of a rule: an edit of it may take something from another one. */
function editsRelation(schemas: Schemas, { forAll, byUser }: Watched, { model, params }: LifecycleEvent): boolean {
  return Object.keys(whereSchema.safeParse(params.data).data ?? {}).some((name) => {
    const target = schemas.attribute(model.uid, name)?.target;
    return typeof target === 'string' && (forAll.has(target) || byUser.has(target));
  });
}

/**
 * Makes leases due when a row changes that a rule of the configuration reads (S7). What happens to the user and the
 * video themselves is heard elsewhere; here, only what an edit of theirs does to others.
 */
export function watchRules(strapi: Core.Strapi, rules: readonly ConfiguredRule[]): void {
  const schemas = schemasOf(strapi);
  const watched = watchedBy(rules);
  const { forAll, byUser } = watched;
  const markDue = (scope: Scope) => getService(strapi, 'playback-session').store.markDue(scope);
  const all = () => markDue(everybody);
  const many = { afterCreateMany: all, afterUpdateMany: all, afterDeleteMany: all };

  /** Null: it cannot be told. */
  async function usersNow({ model }: LifecycleEvent, where: unknown): Promise<string[] | null> {
    const parsed = whereSchema.safeParse(where);
    if (!parsed.success) return null;
    const found = new Set<string>();
    for (const pattern of byUser.get(model.uid) ?? []) {
      for (const id of await usersOf(strapi, pattern, parsed.data)) found.add(id);
    }
    return [...found];
  }
  const before = async (event: LifecycleEvent) => {
    event.state = { ...event.state, users: await usersNow(event, event.params.where) };
  };
  const after = async (event: LifecycleEvent) => {
    const row = rowSchema.safeParse(event.result);
    const isNew = !('users' in event.state);
    const then = isNew ? [] : idsSchema.safeParse(event.state.users).data;
    const now = row.success ? await usersNow(event, { id: row.data.id }) : null;
    const users = then && now ? [...new Set([...then, ...now])] : null;
    if (users === null || users.length > MAX_USERS) return all();
    for (const id of users) await markDue({ origin: { kind: 'user', id } });
  };

  if (forAll.size > 0) {
    const models = [...forAll];
    strapi.db.lifecycles.subscribe({ models, afterCreate: all, afterUpdate: all, afterDelete: all, ...many });
  }
  if (byUser.size === 0 && forAll.size === 0) return;
  strapi.db.lifecycles.subscribe({
    models: [...byUser.keys()],
    beforeUpdate: before,
    beforeDelete: before,
    afterCreate: after,
    afterUpdate: after,
    afterDelete: after,
    ...many,
  });
  const reverse = async (event: LifecycleEvent) => {
    if (editsRelation(schemas, watched, event)) await all();
  };
  strapi.db.lifecycles.subscribe({ models: [USER_UID, VIDEO_UID], afterCreate: reverse, afterUpdate: reverse });
}
