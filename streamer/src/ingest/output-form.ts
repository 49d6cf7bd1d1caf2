import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { MAX_PICTURE_BYTES } from '../../../server/contracts';
import { jpegFault } from './jpeg-form';

const MAX_BOXES = 100_000;
const BOX_HEADER_BYTES = 16;

/** What is wrong with a file; null: it has the form that its name says. */
type Fault = string | null;

async function readWhole(handle: FileHandle, sizeBytes: number): Promise<Buffer | null> {
  if (sizeBytes > MAX_PICTURE_BYTES) return null;
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(sizeBytes), 0, sizeBytes, 0);
  return bytesRead === sizeBytes ? buffer : null;
}

function textOf(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** WebVTT §4.1: the signature alone in its line, or before a space or tab. Nothing that begins so is a page or a playlist. */
function webVttFault(bytes: Buffer): Fault {
  const text = textOf(bytes);
  if (text === null || text.includes('\0')) return 'it is no text';
  return /^WEBVTT(?:[ \t][^\r\n]*)?(?:\r?\n|$)/.test(text) ? null : 'it does not begin as WebVTT does';
}

function jsonFault(bytes: Buffer): Fault {
  try {
    const value: unknown = JSON.parse(textOf(bytes) ?? '');
    return typeof value === 'object' && value !== null ? null : 'it is no JSON object';
  } catch {
    return 'it is no JSON';
  }
}

/** ISO/IEC 14496-12 §4.2: boxes from the first byte to the last, `ftyp` first, `moov` among them. */
async function mp4Fault(handle: FileHandle, sizeBytes: number): Promise<Fault> {
  const header = Buffer.alloc(BOX_HEADER_BYTES);
  const types = new Set<string>();
  let at = 0;
  for (let count = 0; at < sizeBytes && count < MAX_BOXES; count += 1) {
    const { bytesRead } = await handle.read(header, 0, BOX_HEADER_BYTES, at);
    if (bytesRead < BOX_HEADER_BYTES / 2) return 'its last box is cut off';
    const type = header.toString('latin1', 4, 8);
    if (count === 0 && type !== 'ftyp') return 'it does not begin as MP4 does';
    const short = header.readUInt32BE(0);
    const length = short === 1 ? Number(header.readBigUInt64BE(8)) : short;
    if (length < BOX_HEADER_BYTES / 2) return 'a box of it has no length';
    types.add(type);
    at += length;
  }
  if (at !== sizeBytes) return 'its boxes do not end with it';
  return types.has('moov') ? null : 'it has no moov box';
}

const WHOLE = new Map<string, (bytes: Buffer) => Fault>([
  ['.jpg', jpegFault],
  ['.vtt', webVttFault],
  ['.json', jsonFault],
]);

/**
 * Whether a file has the form that its name says, whoever wrote it: a decoder that was taken over by a film must not place
 * a page or a playlist in the storage. A form that nobody knows is no form.
 */
export async function formFault(name: string, handle: FileHandle, sizeBytes: number): Promise<Fault> {
  const extension = path.extname(name);
  if (extension === '.mp4') return mp4Fault(handle, sizeBytes);
  const check = WHOLE.get(extension);
  if (check === undefined) return 'its form is not known here';
  const bytes = await readWhole(handle, sizeBytes);
  return bytes === null ? 'it is larger than such a file may be' : check(bytes);
}
