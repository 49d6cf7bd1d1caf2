import { mkdir, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import type { IngestJob } from '../../../server/contracts';
import { IngestError } from './ingest-error';

const DIRECTORY_MODE = 0o700;

/** Where one attempt of a job may write. Absolute paths. */
export interface Scratch {
  /** Of the job: what an attempt leaves here, the next one finds. To be written beside and renamed, so that it is whole. */
  shared: string;
  /** Of this attempt alone. */
  work: string;
  /** Where an output is to lie in the end. Throws unless the plugin assigned a place to that name. */
  targetOf(name: string): string;
  /** What this attempt has written is gone. */
  removeOwn(): Promise<void>;
  /** The job has nothing more to find. */
  removeAll(): Promise<void>;
}

/** Makes a directory and sees that no symbolic link leads elsewhere. */
async function makeDirectory(root: string, key: string): Promise<string> {
  const directory = path.join(root, key);
  await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  if ((await realpath(directory)) === directory) return directory;
  throw new IngestError('worker-failed', 'the directory of the job is reached through a symbolic link');
}

/** All that any attempt of a job has left. */
export async function removeScratch(root: string, { scratch }: Pick<IngestJob, 'scratch'>): Promise<void> {
  await rm(path.join(root, scratch), { recursive: true, force: true });
}

/** `root`: the real path of the storage root. */
export async function openScratch(root: string, { scratch, attempt, outputs }: IngestJob): Promise<Scratch> {
  const own = path.posix.join(scratch, String(attempt));
  const shared = await makeDirectory(root, scratch);
  const work = await makeDirectory(root, path.posix.join(own, 'work'));
  return {
    shared,
    work,
    targetOf(name) {
      const output = outputs.find((one) => one.name === name);
      if (output === undefined || path.posix.dirname(output.storageKey) !== own) {
        throw new IngestError('output-invalid', 'no place was assigned to an output');
      }
      return path.join(root, output.storageKey);
    },
    removeOwn: () => rm(path.join(root, own), { recursive: true, force: true }),
    removeAll: () => removeScratch(root, { scratch }),
  };
}
