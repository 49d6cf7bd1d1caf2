import { createHash, randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { type DerivedFile, EMBEDDED_TEXT_NAMES } from '../../../contracts';
import { VodError } from '../../errors';
import { derivedKeyOf } from '../../storage/derived';
import { pruneEmptyParents } from '../../storage/library';
import { hasErrno } from '../../storage/storage-error';
import { FILE_MODE, makeParentOfKey, pathOfKey, type StorageRoot } from '../../storage/storage-root';
import type { Asset } from '../asset';
import { getService } from '../get-service';
import { saveDerived, withdrawDerived } from '../ingest/derived-files';

const MAX_ATTEMPTS = 8;

/** Puts bytes beside a film under a name that nothing there has; on the disk before it is named. */
async function putBeside(root: StorageRoot, filmKey: string, name: string, bytes: Buffer): Promise<void> {
  const part = path.join(root.path, 'incoming', `${randomBytes(16).toString('hex')}.part`);
  const target = derivedKeyOf(filmKey, name);
  try {
    const handle = await open(part, 'wx', FILE_MODE);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await makeParentOfKey(root, target);
    await rename(part, pathOfKey(root, target));
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function takeAway(root: StorageRoot, filmKey: string, name: string): Promise<void> {
  const key = derivedKeyOf(filmKey, name);
  await rm(pathOfKey(root, key), { force: true });
  await pruneEmptyParents(root, key);
}

/** Where the film has it in itself, the next job would find it there again. */
function withoutReturn(asset: Asset, name: string): Asset {
  if (!EMBEDDED_TEXT_NAMES.includes(name)) return asset;
  return { ...asset, removedTexts: [...new Set([...(asset.removedTexts ?? []), name])] };
}

/** The files beside films that nobody but a person can give: row, metadata and disk change together. */
export function createShelf(strapi: Core.Strapi) {
  const root = () => getService(strapi, 'storage').root;

  /** Throws `asset-missing` unless the film is there. */
  async function require(assetId: string): Promise<Asset> {
    const asset = await getService(strapi, 'asset').findById(assetId);
    if (asset?.state === 'ready') return asset;
    throw new VodError('asset-missing', `There is no ready asset ${assetId}.`);
  }

  /** It may have gone with its film meanwhile, which then nobody knows. */
  async function takeBack(seen: Asset, name: string): Promise<void> {
    await takeAway(root(), seen.storageKey, name);
    const now = await getService(strapi, 'asset').findById(seen.documentId);
    if (now?.state === 'ready') await takeAway(root(), now.storageKey, name);
    await withdrawDerived(strapi, seen, [name]);
  }

  async function tryToPut(asset: Asset, file: DerivedFile, bytes: Buffer, all: DerivedFile[]): Promise<boolean> {
    try {
      await putBeside(root(), asset.storageKey, file.name, bytes);
      if (await saveDerived(strapi, asset, all, null)) return true;
    } catch (error) {
      await takeAway(root(), asset.storageKey, file.name);
      // The film's directory was emptied and pruned meanwhile.
      if (!hasErrno(error, 'ENOENT')) throw error;
      return false;
    }
    await takeBack(asset, file.name);
    return false;
  }

  return {
    /**
     * Adds a file to a film. `merge` says what the film has with it, each time anew, and may throw. Throws `asset-missing`, and
     * `storage-busy` where the film is changed all the time.
     */
    async put(
      assetId: string,
      { name, bytes, text }: { name: string; bytes: Buffer } & Pick<DerivedFile, 'text'>,
      merge: (known: readonly DerivedFile[], file: DerivedFile) => DerivedFile[],
    ): Promise<DerivedFile> {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const file = { name, sizeBytes: bytes.byteLength, sha256, ...(text && { text }) };
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
        const asset = await require(assetId);
        if (await tryToPut(asset, file, bytes, merge(asset.derived ?? [], file))) return file;
      }
      throw new VodError('storage-busy', 'The film was changed by others again and again.');
    },

    /** For good, also where a job has made it. Null: the film has no such file. Throws as `put` does. */
    async remove(assetId: string, name: string): Promise<DerivedFile | null> {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
        const asset = await require(assetId);
        const file = asset.derived?.find((one) => one.name === name);
        if (!file) return null;
        const rest = (asset.derived ?? []).filter((one) => one !== file);
        if (await saveDerived(strapi, withoutReturn(asset, name), rest, null)) {
          // Moved since then, it is found where nobody claims it.
          await takeAway(root(), asset.storageKey, name);
          return file;
        }
        await withdrawDerived(strapi, asset);
      }
      throw new VodError('storage-busy', 'The film was changed by others again and again.');
    },
  };
}
