import { z } from 'zod';

const MAX_KEY_BYTES = 1024;
const MAX_SEGMENT_BYTES = 255;

function isSafeSegment(segment: string): boolean {
  if (segment === '' || segment === '.' || segment === '..') return false;
  // A leading dot would hide the file and could meet our own dot files.
  if (segment.startsWith('.')) return false;
  if (/[\u0000-\u001f\u007f\\/]/.test(segment)) return false;
  return new TextEncoder().encode(segment).byteLength <= MAX_SEGMENT_BYTES;
}

/**
 * Whether `text` is a storage key: a relative POSIX path of plain names under the storage root. True says nothing
 * about symbolic links; whoever opens the file resolves it and checks that the real path lies under the root.
 */
export function isStorageKey(text: string): boolean {
  if (new TextEncoder().encode(text).byteLength > MAX_KEY_BYTES) return false;
  return text.split('/').every(isSafeSegment);
}

export const storageKeySchema = z.string().refine(isStorageKey, 'not a storage key');
