import { isUtf8 } from 'node:buffer';
import { fileTypeFromBuffer } from 'file-type';

/** As many bytes as `file-type` asks for to tell every format that it knows. */
export const SNIFF_BYTES = 4100;

/** What the first bytes say, whatever the file is called. */
export interface ContentSniff {
  /** From `file-type`; undefined if it knows no such format. */
  mime: string | undefined;
  isPlaylist: boolean;
  isText: boolean;
}

const PLAYLIST_STARTS = ['#extm3u', 'ffconcat ', '[playlist]', '<smil', '<asx', '[reference]'];
// DASH (ISO/IEC 23009-1), Smooth Streaming and IMF (SMPTE 2067-3) presentations name other files to be read.
const PLAYLIST_ROOTS = /<(\w+:)?(MPD|SmoothStreamingMedia|CompositionPlaylist|AssetMap|smil|asx)[\s>]/i;

function textOf(head: Uint8Array): string | null {
  // A multi-byte character may be cut at the end of the sample.
  for (let dropped = 0; dropped <= 3 && dropped <= head.byteLength; dropped += 1) {
    const sample = head.subarray(0, head.byteLength - dropped);
    if (isUtf8(sample)) return sample.includes(0) ? null : new TextDecoder().decode(sample);
  }
  return null;
}

/** Looks at the first `SNIFF_BYTES` bytes (fewer if the file is shorter). */
export async function sniffContent(head: Uint8Array): Promise<ContentSniff> {
  const detected = await fileTypeFromBuffer(head);
  const text = textOf(head);
  const start = text?.trimStart().toLowerCase() ?? '';
  return {
    mime: detected?.mime,
    isPlaylist: PLAYLIST_STARTS.some((word) => start.startsWith(word)) || PLAYLIST_ROOTS.test(text ?? ''),
    isText: text !== null,
  };
}

/** In words, for “its content is …”. */
export function describeContent(sniff: ContentSniff): string {
  if (sniff.mime !== undefined) return sniff.mime;
  return sniff.isText ? 'plain text' : 'not audio or video';
}
