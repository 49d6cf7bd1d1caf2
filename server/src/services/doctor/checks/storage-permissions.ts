import { constants } from 'node:fs';
import { access, lstat } from 'node:fs/promises';
import path from 'node:path';
import { STORAGE_AREAS, type StorageRoot } from '../../../storage/storage-root';
import { walkArea } from '../../../storage/walk';
import { getService } from '../../get-service';
import type { Check, Examination } from '../examination';
import { fail, type Judgement, ok, warn } from '../finding';

const OTHERS = 0o007;
const GROUP = 0o070;
const SAMPLE = 1000;

const octal = (mode: number) => (mode & 0o777).toString(8).padStart(4, '0');

async function judgeRoot({ path: root }: StorageRoot): Promise<Judgement[]> {
  const { mode, uid } = await lstat(root);
  const found: Judgement[] = [];
  const close = `chmod 0700 ${root}`;
  if ((mode & OTHERS) !== 0) {
    found.push(fail(`Every user of this machine may enter ${root} (mode ${octal(mode)}).`, close));
  } else if ((mode & GROUP) !== 0) {
    found.push(warn(`The group of ${root} may enter it (mode ${octal(mode)}).`, `${close}, unless streamers need it.`));
  }
  const self = process.getuid?.() ?? uid;
  if (self !== uid) {
    const advice = 'Run this, and Strapi, as the user that owns the storage root.';
    found.push(warn(`${root} belongs to user ${uid}, and this runs as user ${self}.`, advice));
  }
  return found;
}

async function judgeWriting(root: StorageRoot): Promise<Judgement[]> {
  const found: Judgement[] = [];
  for (const area of STORAGE_AREAS) {
    const directory = path.join(root.path, area);
    try {
      await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch {
      found.push(fail(`${directory} cannot be written to.`, 'Give it to the user that Strapi runs as.'));
    }
  }
  return found;
}

/** A closed root hides all that is in it, until somebody opens the root or copies what is in it with its mode. */
async function judgeFiles(root: StorageRoot, { isThorough }: Examination): Promise<Judgement[]> {
  const open: string[] = [];
  let seen = 0;
  for await (const { key, kind } of walkArea(root, 'library')) {
    if (kind !== 'file') continue;
    seen += 1;
    if (seen > SAMPLE && !isThorough) break;
    const { mode } = await lstat(path.join(root.path, key));
    if ((mode & OTHERS) !== 0) open.push(`${octal(mode)} ${key}`);
  }
  if (open.length === 0) return [];
  return [warn(`Other users may read ${open.length} films by their mode.`, 'chmod 0600 them.', open)];
}

export const storagePermissions: Check = {
  name: 'storage-permissions',
  async run(examination) {
    const { root } = getService(examination.strapi, 'storage');
    const found = [...(await judgeRoot(root)), ...(await judgeWriting(root)), ...(await judgeFiles(root, examination))];
    return found.length > 0 ? found : [ok('only the user of Strapi may enter it, and may write')];
  },
};
