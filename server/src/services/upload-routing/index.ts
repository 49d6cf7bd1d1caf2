import type { Core } from '@strapi/strapi';
import { VodError } from '../../errors';
import { getService } from '../get-service';
import { markedAsset } from '../protected-mark';
import { trashIfUnused } from '../unused-film';
import { isFilm } from './film-question';
import { protectUpload } from './protected-upload';
import { captureInner, type InnerProvider, type ProviderMethods, type UploadFile } from './provider';
import { refuseIfPublished } from './removal';
import { replaceFile } from './replacement';

/** On a provider that routes already; global, because the upload-provider entrance is a bundle of its own. */
export const ROUTED = Symbol.for('strapi-plugin-protected-vod.routed');

function routedProvider(strapi: Core.Strapi): ProviderMethods & { [ROUTED]?: InnerProvider } {
  return (strapi.plugin('upload') as unknown as { provider: ProviderMethods & { [ROUTED]?: InnerProvider } }).provider;
}

async function uploadFile(strapi: Core.Strapi, inner: InnerProvider, file: UploadFile, rest: unknown[]): Promise<void> {
  const film = await isFilm(strapi, file, file.ext ?? '');
  if (film && !(await getService(strapi, 'media-folder').isPublic(file.folderPath ?? '/'))) {
    await protectUpload(strapi, file);
    return;
  }
  await inner.upload(file, rest);
}

async function deleteFile(strapi: Core.Strapi, inner: InnerProvider, file: UploadFile, rest: unknown[]) {
  const assetId = markedAsset(file);
  if (assetId === null) return inner.delete(file, rest);
  await refuseIfPublished(strapi, file);
  await trashIfUnused(strapi, assetId, file.id);
  if (file.documentId !== undefined) await getService(strapi, 'film-replacement').fileDeleted(file.documentId);
}

/**
 * Decides for every file that Strapi stores: films go to protected storage, everything else to the provider that the
 * site uses, unchanged.
 */
export function createUploadRoutingService({ strapi }: { strapi: Core.Strapi }) {
  return {
    /** Puts the routing in front of the site's provider, once. */
    wrapProvider(): void {
      const provider = routedProvider(strapi);
      if (provider[ROUTED]) return;
      const inner = captureInner(provider);
      const upload = (file: UploadFile, ...rest: unknown[]) => uploadFile(strapi, inner, file, rest);
      const replace = (newFile: UploadFile, oldFile: unknown) =>
        replaceFile(strapi, inner, newFile, oldFile as UploadFile);
      Object.assign(provider, {
        upload,
        uploadStream: upload,
        replace,
        replaceStream: replace,
        delete: (file: UploadFile, ...rest: unknown[]) => deleteFile(strapi, inner, file, rest),
        [ROUTED]: inner,
      });
    },

    /** The site's own provider, past the routing: what goes there is public. */
    get siteProvider(): InnerProvider {
      const inner = routedProvider(strapi)[ROUTED];
      if (!inner) throw new VodError('provider-missing', 'The upload provider of this site is not routed.');
      return inner;
    },
  };
}
