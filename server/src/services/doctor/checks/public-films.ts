import { z } from 'zod';
import { hasFilmExtension, isFilmType } from '../../../storage/inspection/film-kind';
import { getService } from '../../get-service';
import { FILE_UID, markedAsset } from '../../protected-mark';
import { rowsInOrder } from '../../rows-in-order';
import type { Check } from '../examination';
import { fail, ok } from '../finding';

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

const isFilm = ({ name, ext, mime }: FileRow) => [name, ext ?? ''].some(hasFilmExtension) || isFilmType(mime ?? '');

/** S22: films that were public before the plugin came, or came past it. */
export const publicFilms: Check = {
  name: 'public-films',
  async run({ strapi }) {
    const folders = getService(strapi, 'media-folder');
    const exposed: string[] = [];
    let chosen = 0;
    for await (const file of rowsInOrder(strapi, FILE_UID, {}, (row) => rowSchema.parse(row))) {
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
