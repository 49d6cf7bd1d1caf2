import { statfs } from 'node:fs/promises';
import { configOf } from '../../../config';
import { getService } from '../../get-service';
import type { Check } from '../examination';
import { fail, type Judgement, ok, warn } from '../finding';

const GIB = 1024 ** 3;
const ENOUGH_BYTES = 10 * GIB;
const ENOUGH_SHARE = 0.05;

export interface FileSystemRoom {
  freeBytes: number;
  totalBytes: number;
  /** Null: the file system does not count them. */
  freeFilesShare: number | null;
  /** Of which no upload takes any (`storage.minFreeBytes`). */
  keptBytes: number;
}

const gib = (bytes: number) => `${(bytes / GIB).toFixed(1)} GiB`;

export function judgeRoom({ freeBytes, totalBytes, freeFilesShare, keptBytes }: FileSystemRoom): Judgement {
  const message = `${gib(freeBytes)} of ${gib(totalBytes)} are free.`;
  const advice = 'Make room: uploads and the segment cache need it. Nothing empties the trash by itself.';
  if (freeBytes <= keptBytes) {
    return fail(`${message} Uploads are refused: ${gib(keptBytes)} are kept free (storage.minFreeBytes).`, advice);
  }
  if (freeFilesShare !== null && freeFilesShare < 0.01) return fail('The file system has hardly a free inode.', advice);
  if (freeBytes - keptBytes < ENOUGH_BYTES || freeBytes < totalBytes * ENOUGH_SHARE) return warn(message, advice);
  return ok(`${gib(freeBytes)} of ${gib(totalBytes)} free`);
}

export const storageSpace: Check = {
  name: 'storage-space',
  async run({ strapi }) {
    const { bavail, blocks, bsize, ffree, files } = await statfs(getService(strapi, 'storage').root.path);
    const freeFilesShare = files === 0 ? null : ffree / files;
    const { minFreeBytes: keptBytes } = configOf(strapi).storage;
    return [judgeRoom({ freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeFilesShare, keptBytes })];
  },
};
