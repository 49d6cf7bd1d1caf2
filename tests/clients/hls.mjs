import { fetchOk } from './fetch-ok.mjs';

/**
 * Attribute list of a tag (RFC 8216 §4.2).
 * @param {string} line
 */
function attributes(line) {
  const list = line.slice(line.indexOf(':') + 1).matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g);
  return new Map([...list].map(([, name, value]) => [String(name), String(value).replace(/^"|"$/g, '')]));
}

/** @param {Buffer} bytes */
const lines = (bytes) => bytes.toString('utf8').split(/\r?\n/);

/**
 * Addresses of all media playlists of a multivariant playlist, absolute.
 * @param {{ url: string, bytes: Buffer }} playlist
 */
export function mediaPlaylistUrls({ url, bytes }) {
  const rows = lines(bytes);
  const variants = rows.filter(
    (line, at) => line !== '' && !line.startsWith('#') && rows[at - 1]?.startsWith('#EXT-X-STREAM-INF'),
  );
  const alternatives = rows
    .filter((line) => line.startsWith('#EXT-X-MEDIA:'))
    .map((line) => attributes(line).get('URI'));
  const found = [...variants, ...alternatives.filter((uri) => uri !== undefined)];
  return [...new Set(found.map((uri) => new URL(uri, url).href))];
}

/**
 * Init segment and segments of a media playlist, absolute, in order.
 * @param {{ url: string, bytes: Buffer }} playlist
 */
export function segmentUrls({ url, bytes }) {
  const rows = lines(bytes);
  const map = rows.find((line) => line.startsWith('#EXT-X-MAP:'));
  const init = map === undefined ? [] : [attributes(map).get('URI') ?? ''];
  const segments = rows.filter((line) => line !== '' && !line.startsWith('#'));
  return [...init, ...segments].map((uri) => new URL(uri, url).href);
}

/**
 * Keys of a media playlist, absolute, in order (RFC 8216 §4.3.2.4); none where it is not encrypted.
 * @param {{ url: string, bytes: Buffer }} playlist
 * @returns {{ url: string, iv: Buffer }[]}
 */
export function segmentKeys({ url, bytes }) {
  const keys = lines(bytes).filter((line) => line.startsWith('#EXT-X-KEY:'));
  return keys.map(attributes).map((key) => ({
    url: new URL(key.get('URI') ?? '', url).href,
    iv: Buffer.from((key.get('IV') ?? '').replace(/^0x/, ''), 'hex'),
  }));
}

/**
 * Plays every track to its end: each comes back as one fragmented MP4.
 * @param {string} url address of the multivariant playlist
 * @returns {Promise<{ playlist: string, bytes: Buffer }[]>}
 */
export async function playHls(url) {
  const multivariant = await fetchOk(url);
  const tracks = [];
  for (const address of mediaPlaylistUrls(multivariant)) {
    const playlist = await fetchOk(address);
    const parts = [];
    for (const part of segmentUrls(playlist)) parts.push((await fetchOk(part)).bytes);
    tracks.push({ playlist: playlist.bytes.toString('utf8'), bytes: Buffer.concat(parts) });
  }
  return tracks;
}
