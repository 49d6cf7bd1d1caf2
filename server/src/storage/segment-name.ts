import path from 'node:path';

/** Ends every metadata file; no film may carry it. */
export const METADATA_SUFFIX = '.vod.json';

/** Ends the directory of what was made of a film; no film and no folder may carry it. */
export const DERIVED_SUFFIX = '.vod';

const RESERVED_SUFFIXES = [METADATA_SUFFIX, DERIVED_SUFFIX];

/** The database keeps a film's key, also the one in the trash, as 255 characters. */
export const MAX_FILM_KEY = 255;

// Less than the 255 bytes of a file name: the metadata file adds its suffix, the trash the day and the asset id.
const MAX_NAME_BYTES = 200;
const MAX_ENTRY_BYTES = 80;
const MAX_EXTENSION_BYTES = 32;

const RESERVED_ON_WINDOWS = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

const bytesOf = (text: string) => Buffer.byteLength(text, 'utf8');

function cutToBytes(text: string, maxBytes: number): string {
  let kept = '';
  let used = 0;
  // By grapheme, not by code unit: half an emoji or a letter without its accent is another name.
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += bytesOf(segment);
    if (used > maxBytes) break;
    kept += segment;
  }
  return kept;
}

function splitExtension(name: string): { stem: string; extension: string } {
  const extension = path.posix.extname(name);
  if (extension === '.' || bytesOf(extension) > MAX_EXTENSION_BYTES) return { stem: name, extension: '' };
  return { stem: name.slice(0, name.length - extension.length), extension };
}

function clean(text: string): string {
  const plain = text
    .normalize('NFC')
    .replace(/\p{Cc}|\p{Cs}|\p{Cf}/gu, '')
    .replace(/[/\\<>:"|?*]/g, '_')
    .trim()
    // Leading dots hide a file, trailing ones are dropped by some file systems.
    .replace(/^[.\s]+/, '')
    .replace(/[.\s]+$/, '');
  return RESERVED_ON_WINDOWS.test(plain) ? `_${plain}` : plain;
}

/**
 * Turns any text into one segment of a storage key that people still recognise: NFC, no control or invisible
 * characters, no separators, no reserved names; extension kept. `ordinal` 2 and up adds ` (2)` before the extension.
 */
export function segmentName(text: string, ordinal = 1): string {
  const { stem, extension } = splitExtension(clean(text) || 'unnamed');
  const suffix = ordinal > 1 ? ` (${ordinal})` : '';
  const room = MAX_NAME_BYTES - bytesOf(extension) - bytesOf(suffix) - 1;
  const name = `${cutToBytes(stem, room).trimEnd() || '_'}${suffix}${extension}`;
  // Looked at last: cutting can make a name end so.
  return RESERVED_SUFFIXES.some((suffix) => name.toLowerCase().endsWith(suffix)) ? `${name}_` : name;
}

/** The name of the folder in which a film of this name lies alone; both fit one key. */
export function entryName(fileName: string, ordinal: number): string {
  const { stem } = splitExtension(clean(fileName) || 'unnamed');
  const suffix = ordinal > 1 ? ` (${ordinal})` : '';
  const room = Math.min(MAX_ENTRY_BYTES, MAX_FILM_KEY - 'library//'.length - segmentName(fileName).length);
  const kept = cutToBytes(stem, room - bytesOf(suffix) - 1).replace(/[.\s]+$/, '');
  return segmentName(`${kept || '_'}${suffix}`);
}

/** An asset id with the extension of the film, for players and people who go by it. */
export function assetName(assetId: string, fileName: string, ordinal: number): string {
  return segmentName(`${assetId}${splitExtension(clean(fileName)).extension.toLowerCase()}`, ordinal);
}
