import { createCipheriv } from 'node:crypto';
import type { SegmentKey } from './segment-keys';

const BLOCK_BYTES = 16;
/** What is encrypted at a time: a fraction of a millisecond, then others have their turn. */
const PART_BYTES = 256 * 1024;

/** PKCS #7 always pads (RFC 5652 §6.3): a whole block where the last one is full. */
export function encryptedSize(clearBytes: number): number {
  return (Math.floor(clearBytes / BLOCK_BYTES) + 1) * BLOCK_BYTES;
}

/**
 * The segment under AES-128-CBC with PKCS #7 padding (RFC 8216 §4.3.2.4), in parts that are made when they are asked for: a
 * slow reader holds one of them, not a copy of the segment.
 */
export function* encryptedParts(clear: Buffer, { key, iv }: SegmentKey): Generator<Buffer, void> {
  const cipher = createCipheriv('aes-128-cbc', key, iv);
  let at = 0;
  for (; clear.length - at > PART_BYTES; at += PART_BYTES) yield cipher.update(clear.subarray(at, at + PART_BYTES));
  yield Buffer.concat([cipher.update(clear.subarray(at)), cipher.final()]);
}
