import { opendir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

export interface PublicFile {
  /** Below the public directory, with slashes. */
  name: string;
  path: string;
  sizeBytes: number;
}

export interface PublicLink {
  name: string;
  /** Where it leads. */
  target: string;
}

export type PublicEntry = ({ kind: 'file' } & PublicFile) | ({ kind: 'link' } & PublicLink);

/** All that a web server finds below a directory. It follows symbolic links, so they are followed here, each place once. */
export async function* publicFiles(
  directory: string,
  name = '',
  seen = new Set<string>(),
): AsyncGenerator<PublicEntry> {
  const real = await realpath(directory).catch(() => null);
  if (real === null || seen.has(real)) return;
  seen.add(real);
  for await (const entry of await opendir(real)) {
    const inner = path.join(real, entry.name);
    const innerName = name === '' ? entry.name : `${name}/${entry.name}`;
    const target = entry.isSymbolicLink() ? await realpath(inner).catch(() => null) : inner;
    if (target === null) continue;
    if (entry.isSymbolicLink()) yield { kind: 'link', name: innerName, target };
    const found = await stat(target).catch(() => null);
    if (found?.isDirectory()) yield* publicFiles(target, innerName, seen);
    else if (found?.isFile()) yield { kind: 'file', name: innerName, path: target, sizeBytes: found.size };
  }
}
