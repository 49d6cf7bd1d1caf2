import { errors } from '@strapi/utils';
import { VodError } from '../../errors';

/** Turns a refusal into what the Media Library shows: status 400, the sentence, and code and verdict in `details`. */
export function forEditor(error: unknown, fileName: string): unknown {
  if (!(error instanceof VodError)) return error;
  if (error.code === 'storage-too-large') {
    return new errors.PayloadTooLargeError(`“${fileName}” is larger than this site allows.`, { code: error.code });
  }
  if (!error.code.startsWith('film-')) return error;
  return new errors.ApplicationError(error.message, { code: error.code, verdict: 'refused' });
}
