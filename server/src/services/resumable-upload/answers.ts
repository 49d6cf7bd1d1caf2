import { errors } from '@strapi/utils';
import { VodError } from '../../errors';
import { isDiskFull } from '../../storage/storage-error';
import type { UploadRefusal, UploadResult } from '../incoming-films/upload-fate';

/** Carries an `UploadResult` as JSON on the answer that completes an upload, and on HEAD after it. */
export const UPLOAD_RESULT_HEADER = 'Upload-Result';

export interface Refusal {
  status_code: number;
  headers: Record<string, string>;
  body: string;
}

/** The body has the shape of Strapi's own errors. */
export function refusalBody({ status, code, message }: UploadRefusal) {
  const details = { code, ...(code.startsWith('film-') && { verdict: 'refused' }) };
  return { data: null, error: { status, name: 'UploadError', message, details } };
}

/** Headers are no place for other letters (RFC 9110 §5.5): JSON can escape them. The same result is always the same text. */
export function resultHeader({ fileId, fileDocumentId, ...film }: UploadResult): string {
  const { assetId, verdict, verdictReason, verdictSentence } = film;
  return JSON.stringify({ fileId, fileDocumentId, assetId, verdict, verdictReason, verdictSentence }).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function refusalAnswer(status: number, code: string, message: string): Refusal {
  const body = JSON.stringify(refusalBody({ status, code, message }));
  return { status_code: status, headers: { 'Content-Type': 'application/json; charset=utf-8' }, body };
}

/** tus 1.0.0, checksum extension. */
const CHECKSUM_MISMATCH = 460;

const STATUSES = new Map([
  ['upload-checksum-mismatch', CHECKSUM_MISMATCH],
  ['upload-missing', 410],
  ['upload-target-gone', 422],
  // RFC 4918 §11.5: the server cannot store what is needed to do this.
  ['storage-full', 507],
  ['storage-quota-exceeded', 507],
]);

/** How a failure is told; null for what only the log may know. */
export function refusalOf(error: unknown): UploadRefusal | null {
  if (error instanceof errors.ForbiddenError) return { status: 403, code: 'upload-forbidden', message: error.message };
  if (error instanceof errors.NotFoundError) return { status: 422, code: 'upload-target-gone', message: error.message };
  if (!(error instanceof VodError)) {
    const message = 'The disk of this site is full. Free some room, then go on with the upload.';
    return isDiskFull(error) ? { status: 507, code: 'storage-full', message } : null;
  }
  const { code, message } = error;
  // RFC 9110 §15.5.21: well-formed, but the content cannot be processed.
  const status = STATUSES.get(code) ?? (code.startsWith('film-') ? 422 : undefined);
  return status === undefined ? null : { status, code, message };
}

/** Whether it is decided for good, whatever is sent again. */
export function isFinal({ status }: UploadRefusal): boolean {
  return status === 422 || status === 403;
}
