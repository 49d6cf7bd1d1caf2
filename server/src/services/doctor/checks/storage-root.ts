import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { configOf } from '../../../config';
import { liesWithin } from '../../../storage/storage-root';
import { getService } from '../../get-service';
import type { Check } from '../examination';
import { ok, warn } from '../finding';

/** Opening it refuses one that overlaps `public/`, and areas that are symbolic links; that stops Strapi itself. */
export const storageRoot: Check = {
  name: 'storage-root',
  async run({ strapi }) {
    const { root } = getService(strapi, 'storage');
    const configured = path.resolve(strapi.dirs.app.root, configOf(strapi).storage.root);
    if ((await realpath(configured)) !== configured) {
      return [
        warn(
          `${configured} leads to ${root.path} through a symbolic link: who changes the link changes where films go.`,
          `Name ${root.path} itself in storage.root.`,
        ),
      ];
    }
    const isInApp = liesWithin(strapi.dirs.app.root, root.path);
    return [ok(`${root.path}, outside public/${isInApp ? ' and inside the app' : ''}`)];
  },
};
