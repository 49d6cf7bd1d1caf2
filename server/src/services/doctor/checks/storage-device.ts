import { stat } from 'node:fs/promises';
import path from 'node:path';
import { getService } from '../../get-service';
import type { Check } from '../examination';
import { fail, type Judgement, ok } from '../finding';

/** Files go from one area to another by rename, which ends at the border of a file system. */
export function judgeDevices([first, ...rest]: readonly { name: string; device: number }[]): Judgement {
  const elsewhere = rest.filter(({ device }) => device !== first?.device).map(({ name }) => name);
  if (elsewhere.length === 0) return ok('library, uploads, made files and trash are on one file system');
  return fail(
    `${elsewhere.join(' and ')} and ${first?.name} are on different file systems: nothing can be moved between them.`,
    'Mount the storage root as a whole, not its areas.',
  );
}

export const storageDevice: Check = {
  name: 'storage-device',
  async run({ strapi }) {
    const { root } = getService(strapi, 'storage');
    const areas = ['library', 'incoming', 'ingest', 'trash'].map(async (name) => ({
      name,
      device: (await stat(path.join(root.path, name))).dev,
    }));
    return [judgeDevices(await Promise.all(areas))];
  },
};
