import { chmod, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { configOf } from '../../config';
import { VodError } from '../../errors';
import { looksLikeFilm } from '../../storage/inspection/film-guess';
import { lockLibrary } from '../../storage/keeper-lock';
import { OutsideFile } from '../../storage/outside/outside-file';
import { copyIn, hashOutside, linkIn } from '../../storage/outside/take-in';
import { FILE_MODE, pathOfKey } from '../../storage/storage-root';
import type { Asset } from '../asset';
import { failureOf } from '../film-failure';
import { getService } from '../get-service';
import { markedAsset, protectedMark } from '../protected-mark';
import { findSameBytes } from '../same-bytes';
import { shownName } from '../shown-name';
import type { AdoptEvent, AdoptOptions } from './events';
import { countShowing, type FileRow, fileRows, isLocal, publicNameOf, publicUploads } from './file-rows';

/** Makes films of the Media Library protected that are public. */
class Adoption {
  readonly #strapi: Core.Strapi;
  readonly #uploads: string;
  readonly #isDryRun: boolean;

  constructor(strapi: Core.Strapi, uploads: string, isDryRun: boolean) {
    this.#strapi = strapi;
    this.#uploads = uploads;
    this.#isDryRun = isDryRun;
  }

  async judge(row: FileRow): Promise<AdoptEvent | null> {
    const facts = { documentId: row.documentId, name: shownName(row) };
    try {
      const assetId = markedAsset(row);
      const event = assetId === null ? await this.#judgePublic(row) : await this.#judgeProtected(row, assetId);
      return event && { ...event, ...facts };
    } catch (error) {
      return { ...failureOf(error), ...facts };
    }
  }

  async #judgePublic(row: FileRow) {
    const named = { fileName: shownName(row), mime: row.mime };
    const isNamedFilm = () => looksLikeFilm({ ...named, head: new Uint8Array() });
    if (!isLocal(row)) {
      // Nobody asks another provider for the first bytes of every file.
      return (await isNamedFilm()) ? { kind: 'skipped' as const, reason: 'other-provider' as const } : null;
    }
    const file = await this.#open(row).catch(async (error: unknown) => {
      // What a picture has lost is no matter of films.
      if (await isNamedFilm()) throw error;
      return unlessMissing(error);
    });
    if (file === null) return null;
    try {
      if (!(await looksLikeFilm({ ...named, head: await file.head() }))) return null;
      if (await getService(this.#strapi, 'media-folder').isPublic(row.folderPath)) {
        return { kind: 'skipped' as const, reason: 'public-folder' as const };
      }
      if (this.#isDryRun) return { kind: 'would-adopt' as const };
      return await this.#adopt(row, file);
    } finally {
      await file.close();
    }
  }

  #countShowing(file: OutsideFile): Promise<number> {
    return countShowing(this.#strapi, path.basename(file.path));
  }

  #open(row: FileRow): Promise<OutsideFile> {
    return OutsideFile.open(this.#uploads, publicNameOf(row) ?? '');
  }

  /** The row changes last, and the public bytes go behind it: cut off anywhere, a further run ends it. */
  async #adopt(row: FileRow, file: OutsideFile) {
    const { asset, isNew } = await this.#store(row, file);
    const { documentId: assetId, mime } = asset;
    const files = getService(this.#strapi, 'media-file');
    const mark = protectedMark(assetId);
    const isTaken = await files.readdress(row, { ...mark, mime, formats: null });
    if (!isTaken || !(await file.isStillThere())) {
      // Whoever replaced or deleted it meanwhile has the last word.
      const { url, provider_metadata = null, mime: before } = row;
      if (isTaken) await files.readdress({ id: row.id, url: mark.url }, { url, provider_metadata, mime: before });
      if (isNew) await getService(this.#strapi, 'asset').undoIntake(asset);
      throw new VodError('file-changed', 'It was replaced or deleted meanwhile. Run this again.');
    }
    await this.#removePublic(file);
    const { root } = getService(this.#strapi, 'storage');
    await chmod(pathOfKey(root, asset.storageKey), FILE_MODE);
    return { kind: 'adopted' as const, assetId, key: asset.storageKey };
  }

  /** Where several rows stand for the same bytes, they go with the last of them. */
  async #removePublic(file: OutsideFile): Promise<void> {
    if ((await this.#countShowing(file)) === 0) await unlink(file.path);
  }

  async #store(row: FileRow, file: OutsideFile): Promise<{ asset: Asset; isNew: boolean }> {
    const orphan = await this.#findOrphan(file);
    if (orphan) return { asset: orphan, isNew: false };
    const { root } = getService(this.#strapi, 'storage');
    const { minFreeBytes } = configOf(this.#strapi).storage;
    // With one name alone, and one row that shows it, nobody can change it through another when this one is gone.
    const isByLink = file.stats.nlink === 1 && (await this.#countShowing(file)) === 1;
    const fileName = shownName(row);
    const demand = { fileName, sizeBytes: file.stats.size, needsDisk: !isByLink, adminId: null };
    const asset = await getService(this.#strapi, 'incoming-films').room.during(demand, async (id) => {
      const copy = () => copyIn(root, file, { id, minFreeBytes });
      const part = isByLink ? await linkIn(root, file, id).catch(unlessUnlinkable(copy)) : await copy();
      return getService(this.#strapi, 'film-intake').store({ part, fileName, folderPath: row.folderPath });
    });
    return { asset, isNew: true };
  }

  /** What an earlier run stored before it was cut off: the same bytes, and no row stands for them. */
  async #findOrphan(file: OutsideFile): Promise<Asset | null> {
    const assets = getService(this.#strapi, 'asset');
    for (const assetId of await findSameBytes(this.#strapi, file)) {
      if ((await assets.countFiles(assetId)) === 0) return assets.findById(assetId);
    }
    return null;
  }

  /** The bytes of a film that is protected may still lie in the public folder, where a run was cut off. */
  async #judgeProtected(row: FileRow, assetId: string) {
    const name = publicNameOf(row);
    const file = name === null ? null : await OutsideFile.open(this.#uploads, name).catch(unlessMissing);
    if (file === null) return null;
    try {
      if ((await this.#countShowing(file)) > 0) return null;
      const asset = await getService(this.#strapi, 'asset').findById(assetId);
      if ((await hashOutside(file)) !== asset?.sha256) {
        throw new VodError('leftover-differs', `public/uploads/${name} is not its film. Look at it, and remove it.`);
      }
      if (this.#isDryRun) return { kind: 'would-adopt' as const };
      await unlink(file.path);
      return { kind: 'leftover-removed' as const, assetId };
    } finally {
      await file.close();
    }
  }
}

function unlessMissing(error: unknown): null {
  if (error instanceof VodError && error.code === 'file-missing') return null;
  throw error;
}

function unlessUnlinkable<T>(copy: () => Promise<T>) {
  return (error: unknown): Promise<T> => {
    if (error instanceof VodError && (error.code === 'link-impossible' || error.code === 'link-unsafe')) return copy();
    throw error;
  };
}

/**
 * Films that lie in the public folder of the Media Library go to protected storage (S22). Their rows stay, with all that
 * shows them; the public bytes go. Films in `storage.publicFolders` stay where they are. May be cut off at any point: a
 * further run ends it. Throws `storage-busy`.
 */
export async function* adopt(strapi: Core.Strapi, { documentIds, isDryRun }: AdoptOptions): AsyncGenerator<AdoptEvent> {
  const release = isDryRun ? null : await lockLibrary(getService(strapi, 'storage').root);
  try {
    const adoption = new Adoption(strapi, await publicUploads(strapi), isDryRun);
    for await (const row of fileRows(strapi, documentIds)) {
      const event = await adoption.judge(row);
      if (event) yield event;
    }
  } finally {
    await release?.();
  }
}
