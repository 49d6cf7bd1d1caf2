import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import {
  ASSET_STATES,
  type AssetState,
  assetIdSchema,
  type DerivedFile,
  derivedFileSchema,
  type GrantedAsset,
  type Judgement,
  type Rendition,
} from '../../contracts';
import { ASSET_UID } from '../content-types/uids';
import { VodError } from '../errors';
import { derivedKeyOf } from '../storage/derived';
import type { Film } from '../storage/inspection/film-inspection';
import { removeFromLibrary } from '../storage/library';
import { followToTrash, moveToTrash, restoreFromTrash } from '../storage/trash';
import { columnsOf, isSourcePlayed, judgedSchema, unpreparedReason } from './asset-judgement';
import { requesterOf } from './audit/requester';
import { batched } from './batch';
import { getService } from './get-service';
import { madeFilesOf, versionOf } from './granted-files';
import { renditionOfOutput } from './ingest/kinds';
import { shortSideOf } from './picture-size';
import { FILE_UID, markedAsset, protectedMark } from './protected-mark';

const pixelsSchema = z.number().int().nonnegative().optional();
const trackNames = { codec: z.string().optional(), language: z.string().optional() };

const rowSchema = z.object({
  documentId: assetIdSchema,
  storageKey: z.string(),
  fileName: z.string(),
  mime: z.string(),
  // SQLite and MySQL give big integers as text.
  sizeBytes: z.coerce.number().int(),
  sha256: z.string(),
  contentVersion: z.string(),
  durationSeconds: z.number(),
  state: z.enum(ASSET_STATES),
  trashKey: z.string().nullish(),
  ...judgedSchema.shape,
  /** Null: not known, or not as this version writes it. */
  tracks: z
    .array(z.object({ kind: z.string(), ...trackNames, width: pixelsSchema, height: pixelsSchema }))
    .nullish()
    .catch(null),
  derived: z.array(derivedFileSchema).nullish().catch(null),
  removedTexts: z.array(z.string()).nullish().catch(null),
  derivedRevision: z.coerce.number().int().nullish(),
});

/** One stored source, as its row says. `documentId` is the asset id. */
export type Asset = z.infer<typeof rowSchema>;

/** What is known of a stored film before it has a row. */
export interface AssetFacts extends Film {
  assetId: string;
  fileName: string;
  storageKey: string;
  sizeBytes: number;
  sha256: string;
  /** Null: it is judged later, and not played before. */
  judgement: Judgement | null;
  trashKey?: string | null;
  derived?: DerivedFile[];
  removedTexts?: string[];
}

const RESTORED = { state: 'ready', trashKey: null, reason: null, replacedBy: null, replacedIn: null };

/** A film of which nothing can be delivered yet. */
export interface UnpreparedAsset {
  id: string;
  unprepared: NonNullable<ReturnType<typeof unpreparedReason>>;
}

/** What viewers may be given of it, best first. */
function renditionsOf(asset: Asset): Rendition[] {
  const { storageKey, sizeBytes, tracks, derived } = asset;
  const height = shortSideOf(tracks);
  const source = { id: 'source', storageKey, sizeBytes, ...(height !== null && { height }) };
  const rungs = (derived ?? []).flatMap(({ name, ...file }) => {
    const id = renditionOfOutput(name);
    return id === null ? [] : { id, storageKey: derivedKeyOf(storageKey, name), ...renditionFacts(file) };
  });
  rungs.sort((one, other) => (other.height ?? 0) - (one.height ?? 0));
  return isSourcePlayed(asset) ? [source, ...rungs] : rungs;
}

function renditionFacts({ sizeBytes, height }: Omit<DerivedFile, 'name'>): Pick<Rendition, 'sizeBytes' | 'height'> {
  return height === undefined ? { sizeBytes } : { sizeBytes, height };
}

type Granted = GrantedAsset | UnpreparedAsset;

/** Whom an asset is granted to: `any` viewer, or only one whose session began on it and may have outlived it. */
type Audience = 'any' | 'running';

const GRANTED_STATES: Record<Audience, ReadonlySet<AssetState>> = {
  any: new Set(['ready']),
  running: new Set(['ready', 'replaced']),
};

function granted(asset: Asset | null, audience: Audience): Granted | null {
  if (asset === null || !GRANTED_STATES[audience].has(asset.state)) return null;
  const { documentId: id, contentVersion, fileName, mime, durationSeconds } = asset;
  const unprepared = unpreparedReason(asset);
  const renditions = asset.verdict == null || asset.verdict === 'refused' ? [] : renditionsOf(asset);
  if (renditions.length === 0) return unprepared && { id, unprepared };
  return { id, contentVersion, fileName, mime, durationSeconds, renditions, ...madeFilesOf(asset) };
}

/** Attributes of an asset that `grantedFrom` reads. */
export const ASSET_ATTRIBUTES = Object.keys(rowSchema.shape);

/** What a streamer needs to serve the asset of a row; null unless it is ready, or will be. */
export function grantedFrom(row: unknown): Granted | null {
  return granted(rowSchema.nullable().parse(row), 'any');
}

/** Rows of stored films. Every write here makes the leases that it concerns due (see `revocation`). */
export function createAssetService({ strapi }: { strapi: Core.Strapi }) {
  const rows = () => strapi.db.query(ASSET_UID);
  const storage = () => getService(strapi, 'storage');

  async function findById(id: string): Promise<Asset | null> {
    if (!assetIdSchema.safeParse(id).success) return null;
    return rowSchema.nullable().parse(await rows().findOne({ where: { documentId: id } }));
  }

  async function require(id: string, state: Asset['state']): Promise<Asset> {
    const asset = await findById(id);
    if (asset?.state !== state) throw new VodError('asset-missing', `There is no ${state} asset ${id}.`);
    return asset;
  }

  /** False: it does not lie there any more. */
  async function trashFrom({ documentId, storageKey }: Asset, reason: string): Promise<boolean> {
    const { root } = storage();
    const trashKey = await moveToTrash(root, storageKey, documentId, new Date());
    const where = { documentId, storageKey, state: 'ready' };
    try {
      if (!(await rows().update({ where, data: { state: 'trashed', trashKey, reason } }))) {
        await restoreFromTrash(root, trashKey, storageKey);
        return false;
      }
    } catch (error) {
      await restoreFromTrash(root, trashKey, storageKey);
      throw error;
    }
    // What a worker delivered between the move and this has come to the old place. The film is in the trash, come what may.
    await followToTrash(root, storageKey, trashKey).catch((error: unknown) => strapi.log.error(error));
    return true;
  }

  /** By id. A row that does not parse is left out, and keeps nobody from the others (S17). */
  async function findMany(ids: readonly string[]): Promise<Map<string, Asset>> {
    const found: unknown[] = await rows().findMany({ where: { documentId: { $in: [...ids] } } });
    const assets = found.flatMap((row) => rowSchema.safeParse(row).data ?? []);
    return new Map(assets.map((asset) => [asset.documentId, asset]));
  }

  function reader(audience: Audience): (assetId: string) => Promise<Granted | null> {
    const read = batched(async (ids: string[]) => {
      const assets = await findMany(ids);
      return new Map([...assets].map(([id, asset]) => [id, granted(asset, audience)]));
    });
    return async (id) => (assetIdSchema.safeParse(id).success ? read(id) : null);
  }

  return {
    findById,
    findMany,

    /** Null: there is none of this id. */
    async stateOf(id: string): Promise<AssetState | null> {
      const row: unknown = await rows().findOne({ where: { documentId: id }, select: ['state'] });
      return rowSchema.pick({ state: true }).nullable().parse(row)?.state ?? null;
    },

    /** By the id of the Media Library row. */
    async findByFileId(fileId: number): Promise<Asset | null> {
      const assetId = markedAsset(await strapi.db.query(FILE_UID).findOne({ where: { id: fileId } }));
      return assetId === null ? null : findById(assetId);
    },

    /** Adds the row of a film that lies in the library already; with a `trashKey`, in the trash. */
    async create(film: AssetFacts): Promise<Asset> {
      const { assetId, sizeBytes, sha256, judgement, trashKey = null, ...rest } = film;
      const { derived = [], removedTexts = [], ...facts } = rest;
      const row: unknown = await rows().create({
        data: {
          ...facts,
          ...columnsOf(judgement),
          documentId: assetId,
          sizeBytes: String(sizeBytes),
          sha256,
          contentVersion: versionOf(sha256),
          derived,
          removedTexts,
          derivedRevision: 0,
          state: trashKey === null ? 'ready' : 'trashed',
          trashKey,
          publishedAt: new Date(),
        },
      });
      return rowSchema.parse(row);
    },

    /** Whether a film has this key, is promised it (in the trash, or on its way there), or has left it only lately. */
    async isKeyTaken(key: string): Promise<boolean> {
      const where = { $or: [{ storageKey: key }, { movingTo: key }, { movedFrom: key }] };
      return (await rows().count({ where })) > 0;
    },

    /** How many Media Library rows stand for it, one of them left aside. */
    async countFiles(assetId: string, exceptFileId?: number): Promise<number> {
      const other = exceptFileId === undefined ? {} : { id: { $ne: exceptFileId } };
      return strapi.db.query(FILE_UID).count({ where: { url: protectedMark(assetId).url, ...other } });
    },

    /** Moves the bytes to the trash; nothing can be played from then on. Throws `asset-missing`, `storage-missing`. */
    async trash(assetId: string, reason: string): Promise<void> {
      for (;;) {
        const asset = await require(assetId, 'ready');
        if (await trashFrom(asset, reason)) break;
        // A migration has moved it between the two looks at its row.
      }
      await getService(strapi, 'ingest').cancel(assetId);
      getService(strapi, 'audit').record({ kind: 'deletion', origin: requesterOf(strapi), asset: assetId, reason });
    },

    /**
     * Moves the bytes back to where they were and, if no Media Library row stands for them any more, adds one at the
     * top folder. Throws `asset-missing`, `storage-missing`, `storage-name-taken`.
     */
    async restore(assetId: string): Promise<Asset> {
      const asset = await require(assetId, 'trashed');
      if (!asset.trashKey) throw new VodError('asset-missing', `Asset ${assetId} has no place in the trash.`);
      await restoreFromTrash(storage().root, asset.trashKey, asset.storageKey);
      await rows().update({ where: { documentId: assetId }, data: RESTORED });
      const restored = await require(assetId, 'ready');
      if ((await this.countFiles(assetId)) === 0) {
        await getService(strapi, 'media-file').create({ asset: restored, folderId: null, adminId: null });
      }
      await getService(strapi, 'ingest').resume(restored);
      getService(strapi, 'audit').record({ kind: 'restore', origin: requesterOf(strapi), asset: assetId });
      await getService(strapi, 'events').filmRestored(restored);
      return restored;
    },

    /** Undoes an intake whose later steps failed: row and bytes are gone for good. */
    async undoIntake(asset: Asset): Promise<void> {
      await rows().deleteMany({ where: { documentId: asset.documentId } });
      await removeFromLibrary(storage().root, asset.storageKey);
      await getService(strapi, 'ingest').forget(asset.documentId);
      getService(strapi, 'events').filmUndone(asset.documentId);
      const facts = { origin: requesterOf(strapi), asset: asset.documentId, reason: 'upload-undone' };
      getService(strapi, 'audit').record({ kind: 'deletion', ...facts });
    },

    /**
     * Answers what a streamer needs to serve an asset; null unless it is ready, or will be. Reads each once, and together
     * what is asked for at one time.
     */
    grantedAssets: () => reader('any'),

    /** The same for sessions that began on it: also of a film that was replaced since. */
    heldAssets: () => reader('running'),
  };
}
