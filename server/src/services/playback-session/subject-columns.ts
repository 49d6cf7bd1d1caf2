import { z } from 'zod';
import { type SubjectAttributes, subjectAttributesSchema } from '../../../contracts';
import type { Origin } from '../../tokens/playback-token';
import type { SubjectOrigin } from '../../tokens/subject-origin';

/** What a session's row remembers of a subject besides id, API token and role. */
export interface SubjectColumns {
  subject_attributes: string | null;
  subject_mark: string | null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The schema refuses it, and with it the row.
  }
}

export const storedAttributesSchema = z
  .string()
  .nullable()
  .transform((text) => (text === null ? {} : parseJson(text)))
  .pipe(subjectAttributesSchema);

export function storedAttributes(attributes: SubjectAttributes): string {
  return JSON.stringify(attributes);
}

export function subjectColumns(origin: Origin): SubjectColumns {
  if (origin.kind !== 'subject') return { subject_attributes: null, subject_mark: null };
  return { subject_attributes: storedAttributes(origin.attributes), subject_mark: origin.mark };
}

/** As the token that opened the session named it, or as a change since told it. */
export function subjectOriginOf(row: {
  origin_id: string | null;
  api_token: string | null;
  role: string | null;
  subject_attributes: SubjectAttributes;
  subject_mark: string | null;
}): SubjectOrigin {
  const { subject_attributes: attributes, subject_mark: mark } = row;
  return {
    kind: 'subject',
    id: row.origin_id ?? '',
    apiToken: row.api_token ?? '',
    role: row.role ?? '',
    attributes,
    mark,
  };
}
