import path from 'node:path';
import { PROXY_MOUNT } from '../../../../contracts';
import { metadataKeyOf } from '../../../storage/metadata';
import type { MediaFile, ProtectedFilm } from './protected-films';

/** Under which a request goes out; `prefix` is what a stream address has before `/v/`. */
export interface Place {
  /** No trailing slash. */
  origin: string;
  prefix: string;
  kind: 'site' | 'streamer';
}

/** Of the shape of a playback token, signed by nobody. */
export const FORGED = `${Buffer.from('{"alg":"EdDSA","typ":"JWT","kid":"x"}').toString('base64url')}.${Buffer.from(
  '{"jti":"0","exp":9999999999}',
).toString('base64url')}.${'A'.repeat(86)}`;
/** Of the shape of a session id. */
const GUESSED = `ps_${'A'.repeat(40)}`;

const RESOURCES = [
  'hls/main.m3u8',
  'hls/source-v1/media.m3u8',
  'hls/source-v1/init.mp4',
  'hls/source-v1/1.m4s',
  'dash/manifest.mpd',
  'dash/source-v1/1.m4s',
  'mp4',
  'download',
  'live.flv',
];

const encodePath = (text: string) => text.split('/').map(encodeURIComponent).join('/');

/** Ways up out of whatever directory is served. */
function climbing(target: string): string[] {
  return [
    `/../${target}`,
    `/uploads/../../${target}`,
    `/uploads/..%2f..%2f${target}`,
    `/uploads/%2e%2e/%2e%2e/${target}`,
    `/uploads/..%252f..%252f${target}`,
    `/uploads/..%5c..%5c${target}`,
    `/uploads//${target}`,
  ];
}

function namesOf(
  { assetId, fileName, key }: ProtectedFilm,
  { name, hash, ext }: Pick<MediaFile, 'name' | 'hash' | 'ext'>,
): string[] {
  const extension = ext || path.posix.extname(fileName);
  return [`${hash ?? assetId}${extension}`, `${hash ?? assetId}`, name, fileName, path.posix.basename(key)];
}

/**
 * Where one film could be found on Strapi's own port, or on what stands before it, if something went wrong: under every
 * name that the film has, in the public directory, beside it, and up from it. `rootPath`: the storage root as seen from
 * the app's directory; null: it lies elsewhere.
 */
export function siteAddresses(film: ProtectedFilm, rootPath: string | null): string[] {
  const { assetId, fileName, key, files } = film;
  const rows = files.length > 0 ? files : [{ name: fileName }];
  const names = rows.flatMap((file) => namesOf(film, file));
  const keys = [key, metadataKeyOf(key)].map(encodePath);
  const below = rootPath === null ? [] : keys.map((one) => `${encodePath(rootPath)}/${one}`);
  return [
    ...names.flatMap((name) => [`/uploads/${encodeURIComponent(name)}`, `/${encodeURIComponent(name)}`]),
    ...keys.flatMap((one) => [`/${one}`, `/uploads/${one}`, `${PROXY_MOUNT}/${one}`, `${PROXY_MOUNT}/..%2f${one}`]),
    ...below.flatMap((one) => [`/${one}`, ...climbing(one)]),
    `/protected-vod/asset/${assetId}`,
    `/api/protected-vod/asset/${assetId}`,
  ];
}

/** The same on a streamer: by its names in the place of a credential, and as a file. */
export function streamAddresses({ assetId, key, files }: ProtectedFilm): string[] {
  const ids = [assetId, ...files.map(({ documentId }) => documentId)];
  return [
    ...ids.flatMap((id) => [`/v/${id}/mp4`, `/v/${id}/hls/main.m3u8`]),
    ...[`/${encodePath(key)}`, `/v/../${encodePath(key)}`, `/v/x/..%2f..%2f${encodePath(key)}`],
  ];
}

/** What is asked of a streamer once, whatever films there are: every resource without a credential and with wrong ones. */
export function gateAddresses(): string[] {
  const resources = ['', 'x', GUESSED].flatMap((credential) => RESOURCES.map((name) => `/v/${credential}/${name}`));
  return [
    ...resources,
    `/v/${FORGED}/mp4`,
    `/v/${FORGED}/hls/main.m3u8`,
    '/..%2fmetrics',
    '/v/..%2f..%2fmetrics',
    '/metrics',
  ];
}

/** Lists of files that Strapi has of its own. */
export const LISTINGS = ['/api/upload/files', '/upload/files'];
