import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { GrantedAsset, RolePolicies } from '../../../contracts';
import { ASSET_UID, VIDEO_UID } from '../../content-types/uids';
import type { Origin } from '../../tokens/playback-token';
import { ASSET_ATTRIBUTES, grantedFrom, type UnpreparedAsset } from '../asset';
import { batched } from '../batch';
import { assetIdOf, parseVideoRow, type VideoRow } from '../entitlement/video-row';
import { getService } from '../get-service';
import { type JoinedType, joinedType } from '../joined-rows';
import { FILE_UID, protectedMark } from '../protected-mark';

const VIDEOS = 'protected_vod_videos';
const ASSETS = 'protected_vod_assets';
const FILES = 'files';
/** Strapi's links between files and what uses them. */
const FILE_LINKS = 'files_related_mph';

const VIDEO_ATTRIBUTES = ['documentId', 'locale', 'allowedRoles', 'availableFrom', 'availableUntil', 'downloadable'];
/** What upload providers need to sign the address of a file. */
const POSTER_ATTRIBUTES = ['name', 'hash', 'ext', 'mime', 'url', 'provider', 'provider_metadata', 'folderPath'];
const ID = /^\d{1,15}$/;

/** A published row, and all else of the database that the decision about it needs. */
export interface ListedVideo {
  documentId: string;
  locale: string | null;
  video: VideoRow;
  asset: GrantedAsset | UnpreparedAsset | null;
  /** Of the tokens of this caller and video (`TokenRounds`). */
  round: number;
  /** The policies of the site, which each row has got. Throws where they cannot be read. */
  policies(): RolePolicies;
}

const rowSchema = z.record(z.string(), z.unknown());
/** A sum of nothing is null, and one of MariaDB a decimal. */
const roundSchema = z.coerce.number().int();
const namedSchema = z.object({ documentId: z.string(), locale: z.string().nullable() });

type JoinedTypes = Record<'video' | 'source' | 'poster' | 'asset', JoinedType>;

function select(strapi: Core.Strapi, types: JoinedTypes, { origin, ids }: { origin: Origin; ids: readonly string[] }) {
  const columns = Object.assign({}, ...Object.values(types).map((type) => type.columns));
  const { connection } = strapi.db;
  /** Of the file that a media field of the video names. */
  const linkBy = (field: string) =>
    connection.raw('?? = ?? and ?? = ? and ?? = ?', [
      ...[`${field}_link.related_id`, 'video.id'],
      ...[`${field}_link.related_type`, VIDEO_UID],
      ...[`${field}_link.field`, field],
    ]);
  // The asset's id ends the inert address of its files.
  const idOfAsset = ['asset.document_id', 'source.url', protectedMark('').url.length + 1];
  return strapi.db
    .getConnection(`${VIDEOS} as video`)
    .leftJoin(`${FILE_LINKS} as source_link`, (join) => join.on(linkBy('source')))
    .leftJoin(`${FILES} as source`, 'source.id', 'source_link.file_id')
    .leftJoin(`${FILE_LINKS} as poster_link`, (join) => join.on(linkBy('poster')))
    .leftJoin(`${FILES} as poster`, 'poster.id', 'poster_link.file_id')
    .leftJoin(`${ASSETS} as asset`, (join) => join.on(connection.raw('?? = substr(??, ?)', idOfAsset)))
    .select(columns)
    .select(getService(strapi, 'role-policies').column().as('policies'))
    .select(getService(strapi, 'playback-session').rounds.column(origin, 'video.document_id').as('round'))
    .whereIn('video.id', ids.map(Number))
    .whereNotNull('video.published_at');
}

/** A picture as Strapi would tell it: with a signed address where the site's upload provider is private. */
async function signed(strapi: Core.Strapi, poster: Record<string, unknown> | null): Promise<unknown> {
  return poster && strapi.plugin('upload').service('file').signFileUrls(poster);
}

/**
 * Reads published rows of videos by their row ids, those that are asked for together in one statement: what
 * `entitlement` reads for itself in a handful, which a list could not afford. Null: no such row, or a draft. Throws
 * where it cannot be read: fail closed.
 */
export function createListedVideos(
  strapi: Core.Strapi,
  origin: Origin,
): (rowId: string) => Promise<ListedVideo | null> {
  const types: JoinedTypes = {
    video: joinedType(strapi, VIDEO_UID, 'video', VIDEO_ATTRIBUTES),
    source: joinedType(strapi, FILE_UID, 'source', ['provider_metadata']),
    poster: joinedType(strapi, FILE_UID, 'poster', POSTER_ATTRIBUTES),
    asset: joinedType(strapi, ASSET_UID, 'asset', ASSET_ATTRIBUTES),
  };
  const read = batched(async (rowIds: string[]) => {
    const ids = rowIds.filter((id) => ID.test(id));
    const rows: unknown[] = ids.length > 0 ? await select(strapi, types, { origin, ids }) : [];
    return new Map(rows.map((row) => rowSchema.parse(row)).map((row) => [String(row.video__id), row]));
  });
  return async (rowId) => {
    const row = await read(rowId);
    if (row === null) return null;
    const own = types.video.read(row);
    const poster = await signed(strapi, types.poster.read(row));
    const video = parseVideoRow({ ...own, source: types.source.read(row), poster });
    const asset = grantedFrom(types.asset.read(row));
    const policies = () => getService(strapi, 'role-policies').parse(row.policies);
    const round = roundSchema.parse(row.round);
    // What the file itself says counts; its address only helps to find it.
    return { ...namedSchema.parse(own), video, round, asset: asset?.id === assetIdOf(video) ? asset : null, policies };
  };
}
