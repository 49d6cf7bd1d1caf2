import type { SubjectAttributes } from '../../../../contracts';
import type { Origin } from '../../../tokens/playback-token';
import { subjectIdOf } from '../../../tokens/subject-origin';

/**
 * Who asks, for rules. `id` is that of the Users & Permissions user or of the API token; of a subject, the one by which the
 * site behind `apiToken` knows its user. Attributes are what that API token said of the subject last.
 */
export type RuleCaller =
  | { kind: 'user'; id: string }
  | { kind: 'public' }
  | { kind: 'api-token'; id: string }
  | { kind: 'subject'; id: string; apiToken: string; attributes: SubjectAttributes };

/** A rule judges the person, whoever asked in that person's name. Null: of editors who preview and of guests no rule is asked. */
export function ruleCallerOf(origin: Origin): RuleCaller | null {
  switch (origin.kind) {
    case 'user':
    case 'api-token':
      return { kind: origin.kind, id: origin.id };
    case 'public':
      return { kind: 'public' };
    case 'subject':
      return { kind: 'subject', id: subjectIdOf(origin), apiToken: origin.apiToken, attributes: origin.attributes };
    default:
      return null;
  }
}
