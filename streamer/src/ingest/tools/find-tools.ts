import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Absolute path of a program on the PATH; null: there is none. */
export async function findOnPath(name: string, searchPath = process.env.PATH ?? ''): Promise<string | null> {
  for (const directory of searchPath.split(path.delimiter)) {
    // A relative entry would make it depend on where the worker was started.
    const file = path.join(directory, name);
    if (path.isAbsolute(directory) && (await isExecutable(file))) return file;
  }
  return null;
}

/** Absolute path of ffmpeg: the configured one, else that of the PATH. Null: there is none. */
export async function findFfmpeg(configured: string | undefined): Promise<string | null> {
  if (configured === undefined) return findOnPath('ffmpeg');
  const file = path.resolve(configured);
  return (await isExecutable(file)) ? file : null;
}
