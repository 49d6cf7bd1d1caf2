import type { Core } from '@strapi/strapi';
import { errors, sanitize } from '@strapi/utils';
import { z } from 'zod';
import { VodError } from '../errors';
import type { Asset } from './asset';
import { FILE_UID, protectedMark } from './protected-mark';

export interface MediaFileRequest {
  asset: Asset;
  folderId: number | null;
  adminId: number | null;
}

/** What of a row says where its bytes are. */
export interface Readdressed {
  url: string;
  provider_metadata: unknown;
  mime?: string;
  provider?: string;
  formats?: unknown;
}

export interface MediaFileRow {
  id: number;
  documentId: string;
}

const rowSchema = z.object({ id: z.number(), documentId: z.string() });
const formattedSchema = z.object({
  name: z.string(),
  hash: z.string(),
  ext: z.string(),
  mime: z.string(),
  size: z.number(),
  folderPath: z.string(),
});

/** Media Library rows of films that did not come in through the Media Library. */
export function createMediaFileService({ strapi }: { strapi: Core.Strapi }) {
  /** What Strapi itself would store for such a file. Throws its ApplicationError for a name that it refuses. */
  async function format(file: { fileName: string; mime: string; sizeBytes: number; folderId: number | null }) {
    const info = { filename: file.fileName, type: file.mime, size: file.sizeBytes };
    const formatted: unknown = await strapi
      .plugin('upload')
      .service('upload')
      .formatFileInfo(info, { folder: file.folderId });
    return formattedSchema.parse(formatted);
  }

  async function announce(event: 'media.create' | 'media.update', row: unknown): Promise<void> {
    const schema = strapi.getModel(FILE_UID);
    const getModel = (uid: string) => strapi.getModel(uid as typeof FILE_UID);
    const media = await sanitize.sanitizers.defaultSanitizeOutput({ schema, getModel } as never, row as never);
    strapi.eventHub.emit(event, { media });
  }

  return {
    /** Throws ApplicationError unless the Media Library would take this name. */
    async checkName(fileName: string): Promise<void> {
      const probe = await format({ fileName, mime: 'video/mp4', sizeBytes: 0, folderId: null });
      if (probe.name === '') throw new errors.ApplicationError('The file has no name.');
    },

    /** Adds the row that the Media Library would have added, and announces it like every other upload. */
    async create({ asset, folderId, adminId }: MediaFileRequest): Promise<MediaFileRow> {
      const row: unknown = await strapi.db.query(FILE_UID).create({
        data: {
          ...(await format({ ...asset, folderId })),
          folder: folderId,
          ...protectedMark(asset.documentId),
          provider: strapi.config.get('plugin::upload.provider'),
          createdBy: adminId,
          updatedBy: adminId,
        },
      });
      await announce('media.create', row);
      return rowSchema.parse(row);
    },

    /**
     * Lets a row stand for another film, as “Replace media” does: its id, its folder, and whatever shows it, stay. Throws
     * `upload-target-gone`.
     */
    async replace(id: number, { asset, adminId }: { asset: Asset; adminId: number }): Promise<MediaFileRow> {
      const { name, ext, mime, size } = await format({ ...asset, folderId: null });
      const provider = strapi.config.get('plugin::upload.provider');
      const film = { name, ext, mime, size, formats: null, provider, ...protectedMark(asset.documentId) };
      const row: unknown = await strapi.db
        .query(FILE_UID)
        .update({ where: { id }, data: { ...film, updatedBy: adminId } });
      if (!row)
        throw new VodError('upload-target-gone', 'This file was deleted while another film was put in its place.');
      await announce('media.update', row);
      return rowSchema.parse(row);
    },

    /**
     * Lets a row stand for other bytes: a film that was public is protected, or the other way round. Its id, and so
     * whatever shows it, stays. False: its address is another one by now.
     */
    async readdress({ id, url }: { id: number; url: string }, to: Readdressed): Promise<boolean> {
      const row: unknown = await strapi.db.query(FILE_UID).update({ where: { id, url }, data: to });
      if (!row) return false;
      await announce('media.update', row);
      return true;
    },
  };
}
