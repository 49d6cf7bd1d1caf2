import { errors } from '@strapi/utils';
import { VodError } from '../../errors';
import { isDiskFull } from '../../storage/storage-error';

/** Turns a refusal into what the Media Library shows: status 400, the sentence, and code and verdict in `details`. */
export function forEditor(error: unknown, fileName: string): unknown {
  if (isDiskFull(error) && !(error instanceof VodError)) {
    return new errors.PayloadTooLargeError('The disk of this site is full.', { code: 'storage-full' });
  }
  if (!(error instanceof VodError)) return error;
  if (error.code === 'storage-full' || error.code === 'storage-quota-exceeded') {
    // Strapi has no error for 507.
    return new errors.PayloadTooLargeError(error.message, { code: error.code });
  }
  if (error.code === 'storage-too-large') {
    return new errors.PayloadTooLargeError(`“${fileName}” is larger than this site allows.`, { code: error.code });
  }
  if (!error.code.startsWith('film-')) return error;
  return new errors.ApplicationError(error.message, { code: error.code, verdict: 'refused' });
}
