import { z } from 'zod';
import { VodError } from '../errors';

const codedSchema = z.object({ code: z.string() });

export interface FilmFailure {
  kind: 'refused' | 'failed';
  code: string;
  message: string;
}

/** One bad file, or one that may not be read, is no reason to leave the others. Throws what is of the site and not of this file. */
export function failureOf(error: unknown): FilmFailure {
  if (!(error instanceof Error)) throw error;
  const code = codedSchema.safeParse(error).data?.code ?? '';
  if (code.startsWith('film-')) return { kind: 'refused', code, message: error.message };
  const isOfThisFile = error instanceof VodError || error.name === 'ApplicationError' || /^E[A-Z]+$/.test(code);
  if (!isOfThisFile) throw error;
  return { kind: 'failed', code: code || 'name-refused', message: error.message };
}
