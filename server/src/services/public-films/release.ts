import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import type { Core } from '@strapi/strapi';
import { VodError } from '../../errors';
import { lockLibrary } from '../../storage/keeper-lock';
import { openKey } from '../../storage/storage-root';
import type { Asset } from '../asset';
import { getService } from '../get-service';
import { markedAsset } from '../protected-mark';
import { shownName } from '../shown-name';
import type { UploadFile } from '../upload-routing/provider';
import { publishedTitles } from '../upload-routing/removal';
import type { ReleaseEvent, ReleaseOptions } from './events';
import { type FileRow, fileRows } from './file-rows';

/** What is public and should not be; where the provider cannot remove it, a person must. */
async function takeBack(strapi: Core.Strapi, file: UploadFile): Promise<void> {
  const provider = getService(strapi, 'upload-routing').siteProvider;
  await provider.delete(file).catch((error: unknown) => strapi.log.error(error));
}

/** Hands the bytes of a film to the site's own provider and compares them on the way. */
async function publish(strapi: Core.Strapi, row: FileRow, asset: Asset): Promise<UploadFile & { url: string }> {
  const handle = await openKey(getService(strapi, 'storage').root, asset.storageKey);
  const hash = createHash('sha256');
  const source = handle.createReadStream({ highWaterMark: 1024 * 1024 });
  const hashing = new Transform({
    transform(piece: Buffer, _encoding, done) {
      hash.update(piece);
      done(null, piece);
    },
  });
  source.once('error', (error) => hashing.destroy(error));
  const { name, hash: fileHash, ext, mime, size, folderPath } = row;
  const facts = { name, hash: fileHash, ext, mime, size, sizeInBytes: asset.sizeBytes, folderPath };
  const file: UploadFile = { ...facts, stream: source.pipe(hashing) };
  try {
    await getService(strapi, 'upload-routing').siteProvider.upload(file);
    if (hash.digest('hex') !== asset.sha256) {
      throw new VodError('storage-damaged', 'The film is not what was stored: it was not released.');
    }
    if (!file.url) throw new VodError('provider-failed', 'The upload provider of this site gave it no address.');
    return { ...file, url: file.url };
  } catch (error) {
    source.destroy();
    await takeBack(strapi, file);
    throw error;
  }
}

async function requireReady(strapi: Core.Strapi, assetId: string): Promise<Asset> {
  const asset = await getService(strapi, 'asset').findById(assetId);
  if (asset?.state === 'ready') return asset;
  throw new VodError('asset-missing', 'Its film is missing or in the trash.');
}

/** The row changes when the public bytes are there, and the protected ones go to the trash behind it. */
async function releaseOne(strapi: Core.Strapi, row: FileRow, asset: Asset): Promise<{ kind: 'released'; url: string }> {
  const file = await publish(strapi, row, asset);
  const { url, provider_metadata: metadata = null } = file;
  const provider: string = strapi.config.get('plugin::upload.provider');
  const isOurs = await getService(strapi, 'media-file').readdress(row, { url, provider_metadata: metadata, provider });
  if (!isOurs) {
    await takeBack(strapi, file);
    throw new VodError('file-changed', 'It was replaced or deleted meanwhile.');
  }
  await getService(strapi, 'film-replacement').filmReleased(asset.documentId);
  return { kind: 'released', url };
}

async function judge(strapi: Core.Strapi, row: FileRow, options: ReleaseOptions): Promise<ReleaseEvent | null> {
  const assetId = markedAsset(row);
  if (assetId === null) return null;
  const facts = { documentId: row.documentId, name: shownName(row) };
  try {
    const asset = await requireReady(strapi, assetId);
    const titles = options.isForced ? [] : await publishedTitles(strapi, row.id);
    if (titles.length > 0) {
      throw new VodError('film-in-use', `Published videos play it: ${titles.map((title) => `“${title}”`).join(', ')}.`);
    }
    if (options.isDryRun) return { kind: 'would-release', ...facts };
    return { ...(await releaseOne(strapi, row, asset)), ...facts };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = error instanceof VodError ? error.code : 'provider-failed';
    return { kind: 'failed', ...facts, code, message: error.message };
  }
}

/**
 * Gives films back to the site's own upload provider: **they are public from then on**. Their rows stay, with all that
 * shows them; the protected bytes go to the trash. Throws `storage-busy`.
 */
export async function* release(strapi: Core.Strapi, options: ReleaseOptions): AsyncGenerator<ReleaseEvent> {
  const unlock = options.isDryRun ? null : await lockLibrary(getService(strapi, 'storage').root);
  try {
    for await (const row of fileRows(strapi, options.documentIds)) {
      const event = await judge(strapi, row, options);
      if (event) yield event;
    }
  } finally {
    await unlock?.();
  }
}
