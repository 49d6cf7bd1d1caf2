import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { configOf } from '../../config';
import { looksLikeFilm } from '../../storage/inspection/film-guess';
import { lockLibrary } from '../../storage/keeper-lock';
import { OutsideFile } from '../../storage/outside/outside-file';
import { copyIn, linkIn } from '../../storage/outside/take-in';
import { type OutsideEntry, walkDirectory } from '../../storage/outside/walk-directory';
import { segmentName } from '../../storage/segment-name';
import type { Asset } from '../asset';
import { failureOf } from '../film-failure';
import { getService } from '../get-service';
import { findSameBytes } from '../same-bytes';
import { ensureEntry, ensureFile } from './entry';
import type { ImportEvent, ImportOptions } from './events';
import { resolveImportRoot } from './import-root';

/** Strapi's own rules for names of Media Library folders. */
function folderName(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, '').trim() || 'unnamed';
}

/** Brings films in from one directory. */
class FilmImport {
  readonly #strapi: Core.Strapi;
  readonly #options: ImportOptions;
  readonly #directory: string;

  constructor(strapi: Core.Strapi, options: ImportOptions, directory: string) {
    this.#strapi = strapi;
    this.#options = options;
    this.#directory = directory;
  }

  async *run(): AsyncGenerator<ImportEvent> {
    for await (const entry of walkDirectory(this.#directory)) yield await this.#judge(entry);
  }

  async #judge({ name, kind }: OutsideEntry): Promise<ImportEvent> {
    if (kind === 'unreadable') {
      return { kind: 'failed', name, code: 'directory-unreadable', message: 'The directory cannot be read.' };
    }
    if (kind !== 'file') return { kind: 'skipped', name, reason: kind };
    try {
      const file = await OutsideFile.open(this.#directory, name);
      return await this.#take(file, name).finally(() => file.close());
    } catch (error) {
      return { ...failureOf(error), name };
    }
  }

  async #take(file: OutsideFile, name: string): Promise<ImportEvent> {
    const fileName = path.posix.basename(name);
    if (!(await looksLikeFilm({ fileName, mime: '', head: await file.head() }))) {
      return { kind: 'skipped', name, reason: 'not-a-film' };
    }
    const known = await this.#findKnown(file);
    if (this.#options.isDryRun) {
      if (known) return { kind: 'known', name, assetId: known.documentId };
      return { kind: 'would-import', name, sizeBytes: file.stats.size };
    }
    const asset = known ?? (await this.#store(file, name));
    const fileId = await ensureFile(this.#strapi, asset, await this.#folderOf(name));
    const isNew = await ensureEntry(this.#strapi, { fileId, fileName, entries: this.#options.entries });
    if (!known) return { kind: 'imported', name, assetId: asset.documentId, key: asset.storageKey };
    return { kind: isNew ? 'entry-added' : 'known', name, assetId: asset.documentId };
  }

  /** Hashed only where a film of the same size is there: what is new is read once, when it is taken in. */
  async #findKnown(file: OutsideFile): Promise<Asset | null> {
    const [assetId] = await findSameBytes(this.#strapi, file);
    return assetId === undefined ? null : getService(this.#strapi, 'asset').findById(assetId);
  }

  async #store(file: OutsideFile, name: string): Promise<Asset> {
    const strapi = this.#strapi;
    // A disk has names that the Media Library refuses.
    const fileName = segmentName(path.posix.basename(name));
    await getService(strapi, 'media-file').checkName(fileName);
    const { root } = getService(strapi, 'storage');
    const { minFreeBytes } = configOf(strapi).storage;
    const { isByLink } = this.#options;
    const demand = { fileName, sizeBytes: file.stats.size, needsDisk: !isByLink, adminId: null };
    return getService(strapi, 'incoming-films').room.during(demand, async (id) => {
      const part = isByLink ? await linkIn(root, file, id) : await copyIn(root, file, { id, minFreeBytes });
      const folderId = await this.#folderOf(name);
      const folderPath = await strapi.plugin('upload').service('file').getFolderPath(folderId);
      return getService(strapi, 'film-intake').store({ part, fileName, folderPath });
    });
  }

  async #folderOf(name: string): Promise<number | null> {
    const below = name.split('/').slice(0, -1).map(folderName);
    return getService(this.#strapi, 'media-folder').ensure([...this.#options.folders, ...below]);
  }
}

/**
 * Brings the films of a directory into protected storage, one after the other, each with a Media Library file and an
 * entry. What is there already, by SHA-256, is left alone, so a run that was cut off is gone on with by another one.
 * Throws `import-no-directory`, `import-from-storage`, `import-from-public`, `storage-busy`.
 */
export async function* importFilms(strapi: Core.Strapi, options: ImportOptions): AsyncGenerator<ImportEvent> {
  const directory = await resolveImportRoot(strapi, options.directory);
  const films = new FilmImport(strapi, options, directory);
  if (options.isDryRun) {
    yield* films.run();
    return;
  }
  const release = await lockLibrary(getService(strapi, 'storage').root);
  try {
    yield* films.run();
  } finally {
    await release();
  }
}
