import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { hasFilmExtension, isFilmType } from '../../../storage/inspection/film-kind';
import { getService } from '../../get-service';
import { FILE_UID, markedAsset } from '../../protected-mark';
import type { Check } from '../examination';
import { fail, ok } from '../finding';

const ROWS_AT_ONCE = 1000;

const rowSchema = z.object({
  id: z.number(),
  name: z.string(),
  ext: z.string().nullish(),
  mime: z.string().nullish(),
  url: z.string(),
  folderPath: z.string().nullish(),
  provider_metadata: z.unknown().optional(),
});
type FileRow = z.infer<typeof rowSchema>;

async function* mediaFiles(strapi: Core.Strapi): AsyncGenerator<FileRow> {
  for (let after = 0; ; ) {
    const page: unknown[] = await strapi.db.query(FILE_UID).findMany({
      where: { id: { $gt: after } },
      select: ['id', 'name', 'ext', 'mime', 'url', 'folderPath', 'provider_metadata'],
      orderBy: { id: 'asc' },
      limit: ROWS_AT_ONCE,
    });
    for (const row of z.array(rowSchema).parse(page)) {
      after = row.id;
      yield row;
    }
    if (page.length < ROWS_AT_ONCE) return;
  }
}

const isFilm = ({ name, ext, mime }: FileRow) => [name, ext ?? ''].some(hasFilmExtension) || isFilmType(mime ?? '');

/** S22: films that were public before the plugin came, or came past it. */
export const publicFilms: Check = {
  name: 'public-films',
  async run({ strapi }) {
    const folders = getService(strapi, 'media-folder');
    const exposed: string[] = [];
    let chosen = 0;
    for await (const file of mediaFiles(strapi)) {
      if (!isFilm(file) || markedAsset(file) !== null) continue;
      if (await folders.isPublic(file.folderPath ?? '/')) chosen += 1;
      else exposed.push(`${file.name}: ${file.url}`);
    }
    if (exposed.length > 0) {
      const advice =
        'Protect them with `npx protected-vod storage adopt`, or, if they are to be public, name their folder in storage.publicFolders.';
      return [fail(`${exposed.length} films of the Media Library are not protected.`, advice, exposed)];
    }
    const kept = chosen === 0 ? '' : `, but for ${chosen} in storage.publicFolders`;
    return [ok(`every film of the Media Library is protected${kept}`)];
  },
};
