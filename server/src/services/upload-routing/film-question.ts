import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { sniffContent } from '../../storage/inspection/content-sniff';
import { hasFilmExtension, isFilmType } from '../../storage/inspection/film-kind';
import { headOfFile } from './head-of-file';
import type { UploadFile } from './provider';

const partSchema = z.object({
  filepath: z.string(),
  mimetype: z.string().nullish(),
  originalFilename: z.string().nullish(),
});
const formSchema = z.record(z.string(), z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]));

/** What the client said of this upload. Strapi replaces the declared type by its own finding before a provider sees it. */
function declaredPart(strapi: Core.Strapi, file: UploadFile) {
  const form = formSchema.catch({}).parse(strapi.requestContext.get()?.request?.files ?? {});
  const parts = Object.values(form).flat();
  return parts.map((part) => partSchema.safeParse(part).data).find((part) => part && part.filepath === file.filepath);
}

/** Whether extension, declared type or content says audio or video: any of them is enough (S22). */
export async function isFilm(strapi: Core.Strapi, file: UploadFile, extension: string): Promise<boolean> {
  const part = declaredPart(strapi, file);
  const names = [file.name, part?.originalFilename ?? '', extension];
  if (names.some(hasFilmExtension)) return true;
  if ([file.mime, part?.mimetype ?? ''].some(isFilmType)) return true;
  const { mime } = await sniffContent(await headOfFile(file));
  return mime !== undefined && isFilmType(mime);
}
