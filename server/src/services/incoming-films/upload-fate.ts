import { z } from 'zod';
import { uploadedFilmSchema } from '../../../contracts';

const resultSchema = uploadedFilmSchema.extend({ fileId: z.number(), fileDocumentId: z.string() });
const refusalSchema = z.object({ status: z.number().int(), code: z.string(), message: z.string() });
const fateSchema = z.union([z.object({ result: resultSchema }), z.object({ refusal: refusalSchema })]);

/** What the client gets for a film that was stored. */
export type UploadResult = z.infer<typeof resultSchema>;

/** What the client is told of one that was not, also when it asks again. */
export type UploadRefusal = z.infer<typeof refusalSchema>;

export type UploadFate = z.infer<typeof fateSchema>;

export function parseFate(text: string): UploadFate {
  return fateSchema.parse(JSON.parse(text));
}
