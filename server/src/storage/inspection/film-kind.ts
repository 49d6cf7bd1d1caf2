import { lookup } from 'mime-types';

/** Types outside `audio/` and `video/` that are films or that players would open as films. */
const FILM_APPLICATION_TYPES = new Set([
  'application/ogg',
  'application/mp4',
  'application/mxf',
  'application/x-matroska',
  'application/vnd.apple.mpegurl',
  'application/x-mpegurl',
  'application/dash+xml',
  'application/vnd.ms-asf',
  'application/vnd.rn-realmedia',
  'application/smil+xml',
  'application/f4v',
]);

/** Extensions that the MIME table does not know or files under another type. */
const FILM_EXTENSIONS = new Set([
  ...[
    '.mxf',
    '.ogx',
    '.ogm',
    '.rm',
    '.rmvb',
    '.asf',
    '.f4v',
    '.m2ts',
    '.mts',
    '.vob',
    '.mpd',
    '.m3u8',
    '.m3u',
    '.mk3d',
  ],
  ...['.mka', '.m4s', '.cmfv', '.cmfa', '.divx', '.dv', '.wtv', '.pls', '.ismv', '.isma', '.ffconcat'],
]);

/** Whether a MIME type says audio or video. */
export function isFilmType(mime: string): boolean {
  const type = mime.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return type.startsWith('video/') || type.startsWith('audio/') || FILM_APPLICATION_TYPES.has(type);
}

/** Whether a file name's extension says audio or video. */
export function hasFilmExtension(fileName: string): boolean {
  const extension = /\.[^.]*$/.exec(fileName)?.[0].toLowerCase() ?? '';
  if (FILM_EXTENSIONS.has(extension)) return true;
  const type = lookup(extension);
  return type !== false && isFilmType(type);
}
