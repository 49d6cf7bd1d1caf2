import { errors } from '@strapi/utils';
import { VodError } from '../../errors';

/** Carries an `UploadResult` as JSON on the answer that completes an upload, and on HEAD after it. */
export const UPLOAD_RESULT_HEADER = 'Upload-Result';

export interface Refusal {
  status_code: number;
  headers: Record<string, string>;
  body: string;
}

/** The body has the shape of Strapi's own errors. */
export function refusalAnswer(status: number, code: string, message: string, more: object = {}): Refusal {
  const error = { status, name: 'UploadError', message, details: { code, ...more } };
  const body = JSON.stringify({ data: null, error });
  return { status_code: status, headers: { 'Content-Type': 'application/json; charset=utf-8' }, body };
}

/** How a failed completion is told; null for what only the log may know. */
export function answerFor(error: unknown): Refusal | null {
  if (error instanceof errors.ForbiddenError) return refusalAnswer(403, 'upload-forbidden', error.message);
  if (!(error instanceof VodError)) return null;
  // RFC 9110 §15.5.21: well-formed, but the content cannot be processed.
  if (error.code.startsWith('film-')) return refusalAnswer(422, error.code, error.message, { verdict: 'refused' });
  return error.code === 'upload-missing' ? refusalAnswer(410, error.code, error.message) : null;
}
