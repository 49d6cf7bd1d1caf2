import type { SubjectAttributes } from '../../../../contracts';
import type { Origin } from '../../../tokens/playback-token';
import { type SubjectOrigin, subjectIdOf } from '../../../tokens/subject-origin';

/**
 * Who asks, for rules. `id` is that of the Users & Permissions user or of the API token; of a subject, the one by which the
 * site behind `apiToken` knows its user. Attributes are what that API token said of the subject last.
 */
export type RuleCaller =
  | Exclude<Origin, SubjectOrigin>
  | { kind: 'subject'; id: string; apiToken: string; attributes: SubjectAttributes };

/** A rule judges the person, whoever asked in that person's name. */
export function ruleCallerOf(origin: Origin): RuleCaller {
  if (origin.kind === 'user') return { kind: 'user', id: origin.id };
  if (origin.kind !== 'subject') return origin;
  const { kind, apiToken, attributes } = origin;
  return { kind, id: subjectIdOf(origin), apiToken, attributes };
}
