import type { Core } from '@strapi/strapi';
import type { SubjectChange } from '../../../contracts';
import { configOf } from '../../config';
import type { Origin } from '../../tokens/playback-token';
import { getService } from '../get-service';
import { retryingDeadlocks } from '../playback-session/deadlock';
import { storedAttributes } from '../playback-session/subject-columns';
import { type ChangeMarks, createChangeMarks } from './change-marks';

const SESSIONS = 'protected_vod_sessions';
/** Longer than any token may wait for its use. */
const TOKENS_GONE_AFTER_SECONDS = 3600;

export interface ExternalSubjectsService {
  /** `origin`, and where it is a subject, with the mark of what was told of it last: what a token of now remembers. */
  asOfNow(origin: Origin): Promise<Origin>;
  readonly marks: Pick<ChangeMarks, 'of'>;
  changed(key: string, change: SubjectChange): Promise<number>;
  end(key: string, reason: string): Promise<number>;
  sweep(): Promise<void>;
}

function factColumns(change: SubjectChange): Record<string, string> {
  if ('ended' in change) return {};
  const { role, attributes } = change;
  return {
    ...(role !== undefined && { role }),
    ...(attributes !== undefined && { subject_attributes: storedAttributes(attributes) }),
  };
}

/** Users who live elsewhere: what API tokens tell of them after the mint. There is no row for one who watches. */
export function createExternalSubjectsService({ strapi }: { strapi: Core.Strapi }): ExternalSubjectsService {
  const marks = createChangeMarks(strapi);
  const store = () => getService(strapi, 'playback-session').store;
  const scopeOf = (key: string) => ({ origin: { kind: 'subject' as const, id: key } });
  const running = (key: string) =>
    strapi.db.getConnection(SESSIONS).where({ origin_kind: 'subject', origin_id: key, state: 'active' });

  /** Mark, facts and leases become visible together (S6); who opens a session meanwhile meets the mark afterwards. */
  async function revise(key: string, facts: Record<string, string>): Promise<number> {
    return strapi.db.transaction(async ({ trx }) => {
      const mark = await marks.draw(key, trx);
      const count: number = await running(key)
        .transacting(trx)
        .update({ ...facts, subject_mark: mark });
      await store().markDue(scopeOf(key));
      return count;
    });
  }

  async function end(key: string, reason: string): Promise<number> {
    return retryingDeadlocks(() =>
      strapi.db.transaction(async ({ trx }) => {
        await marks.draw(key, trx);
        return store().endScope(scopeOf(key), reason);
      }),
    );
  }

  return {
    async asOfNow(origin) {
      if (origin.kind !== 'subject') return origin;
      return { ...origin, mark: (await marks.of([origin.id])).get(origin.id) ?? null };
    },
    marks,
    /** Returns how many running sessions it concerns. */
    async changed(key, change) {
      if ('ended' in change) return end(key, 'ended-by-site');
      const facts = factColumns(change);
      if (Object.keys(facts).length > 0) return retryingDeadlocks(() => revise(key, facts));
      await store().markDue(scopeOf(key));
      const rows: unknown[] = await running(key).select('id');
      return rows.length;
    },
    /** Also what no token of before may open any more. Returns how many were running. */
    end,
    /** No session that knew an older mark runs any more. */
    async sweep() {
      await marks.sweep(configOf(strapi).session.maxLifetimeSeconds + TOKENS_GONE_AFTER_SECONDS);
    },
  };
}
