import { createReadStream } from 'node:fs';
import type { Core } from '@strapi/strapi';
import { sha256Of } from '../../../storage/sha256';
import { liesWithin } from '../../../storage/storage-root';
import { getService } from '../../get-service';
import { createLedger } from '../../storage-care/ledger';
import type { Check } from '../examination';
import { fail, type Judgement, ok, warn } from '../finding';
import { publicFiles } from '../leaks/public-files';

const MAX_FILES = 100_000;

/** SHA-256 and name of every film, by its size: files of other sizes need not be read. */
async function filmsBySize(strapi: Core.Strapi): Promise<Map<number, Map<string, string>>> {
  const films = new Map<number, Map<string, string>>();
  for await (const { sizeBytes, sha256, fileName } of createLedger(strapi).films()) {
    films.set(sizeBytes, (films.get(sizeBytes) ?? new Map()).set(sha256, fileName));
  }
  return films;
}

/** The disk's side of the hunt: a copy of a film is found under any name, and whether or not anything serves it now. */
export const publicDirectory: Check = {
  name: 'public-directory',
  async run({ strapi, isThorough }) {
    const directory = strapi.dirs.static.public;
    const root = getService(strapi, 'storage').root.path;
    const films = await filmsBySize(strapi);
    const copies: string[] = [];
    const links: string[] = [];
    let files = 0;
    for await (const entry of publicFiles(directory)) {
      if (entry.kind === 'link') {
        if (liesWithin(root, entry.target) || liesWithin(entry.target, root))
          links.push(`${entry.name} → ${entry.target}`);
        continue;
      }
      files += 1;
      if (files > MAX_FILES && !isThorough) break;
      const film = films.get(entry.sizeBytes)?.get(await sumOf(films, entry));
      if (film !== undefined) copies.push(`${entry.name}: a copy of ${film}`);
    }
    const found: Judgement[] = [];
    if (links.length > 0) {
      found.push(fail(`Links in ${directory} lead to the storage root.`, 'Remove them.', links));
    }
    if (copies.length > 0) {
      found.push(fail(`${copies.length} protected films lie in ${directory} too.`, 'Remove these copies.', copies));
    }
    if (files > MAX_FILES && !isThorough) found.push(warn(`Only ${MAX_FILES} files were looked at.`, 'Use --all.'));
    return found.length > 0 ? found : [ok(`none of the ${files} files in ${directory} is a protected film`)];
  },
};

async function sumOf(films: Map<number, unknown>, { path: file, sizeBytes }: { path: string; sizeBytes: number }) {
  return films.has(sizeBytes) ? sha256Of(createReadStream(file)) : '';
}
