import { rm } from 'node:fs/promises';
import type { Core } from '@strapi/strapi';
import type { Judgement } from '../../contracts';
import { VodError } from '../errors';
import { newAssetId } from '../storage/asset-id';
import type { Film } from '../storage/inspection/film-inspection';
import { placeInLibrary, removeFromLibrary } from '../storage/library';
import { writeMetadata } from '../storage/metadata';
import type { ReceivedPart } from '../storage/receive';
import type { FilmPlace } from '../storage/strategies';
import type { Asset } from './asset';
import { isSourcePlayed } from './asset-judgement';
import { requesterOf } from './audit/requester';
import { getService } from './get-service';

export interface IntakeRequest {
  part: ReceivedPart;
  fileName: string;
  /** Strapi's path of the Media Library folder, e.g. `/1/4`. */
  folderPath: string;
  /** Where the request does not tell: whose upload token it was. */
  adminId?: number;
}

type JudgedFilm = Film & { judgement: Judgement };

/** The way of every film into protected storage, whichever door it came in by. */
export function createFilmIntakeService({ strapi }: { strapi: Core.Strapi }) {
  async function inspect({ part, fileName }: IntakeRequest): Promise<JudgedFilm> {
    const inspection = await getService(strapi, 'film-judging').inspect(part.path, fileName);
    if ('film' in inspection) return { ...inspection.film, judgement: inspection.judgement };
    throw new VodError(inspection.refusal.code, inspection.refusal.sentence);
  }

  async function addRow(
    request: IntakeRequest,
    film: JudgedFilm,
    storageKey: string,
    place: FilmPlace,
  ): Promise<Asset> {
    const assets = getService(strapi, 'asset');
    const { part, adminId } = request;
    const { assetId, fileName, folders } = place;
    const { sizeBytes, sha256 } = part;
    const { root } = getService(strapi, 'storage');
    const row = { assetId, fileName, storageKey, sizeBytes, sha256, ...film };
    const asset = await assets.create(row).catch(async (error: unknown) => {
      await removeFromLibrary(root, storageKey);
      throw error;
    });
    // From here on the name belongs to the row: once that has gone, another film may have taken it.
    try {
      const facts = { assetId, fileName, storageKey, folders, sizeBytes, sha256, ...film };
      await writeMetadata(root, storageKey, {
        version: 1,
        ...facts,
        storedAt: new Date().toISOString(),
      });
      const origin = adminId === undefined ? requesterOf(strapi) : { kind: 'admin', id: String(adminId) };
      const reason = isSourcePlayed(asset) ? null : film.judgement.reason;
      getService(strapi, 'audit').record({ kind: 'upload', origin, asset: assetId, reason });
      getService(strapi, 'events').filmStored(asset);
      await getService(strapi, 'ingest').enqueue(asset);
      return asset;
    } catch (error) {
      await assets.undoIntake(asset);
      throw error;
    }
  }

  return {
    /**
     * Inspects and judges a received part, moves it into the library and adds its row. Throws `VodError` with a `film-…`
     * code and a sentence for the editor if it is refused. After any throw neither bytes nor row are left.
     */
    async store(request: IntakeRequest): Promise<Asset> {
      const { root, strategy } = getService(strapi, 'storage');
      try {
        const film = await inspect(request);
        const folders = await getService(strapi, 'media-folder').namesOf(request.folderPath);
        const place = { assetId: newAssetId(), folders, fileName: request.fileName };
        const storageKey = await placeInLibrary(root, {
          partPath: request.part.path,
          place,
          strategy,
          isReserved: (key) => getService(strapi, 'asset').isKeyTaken(key),
        });
        return await addRow(request, film, storageKey, place);
      } catch (error) {
        await rm(request.part.path, { force: true });
        throw error;
      }
    },
  };
}
