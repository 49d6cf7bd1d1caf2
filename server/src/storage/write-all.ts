import type { FileHandle } from 'node:fs/promises';

/** Writes every byte at `position`. A full disk may take a part of a write without an error: the rest is tried again. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const answer = await handle.write(bytes, written, bytes.byteLength - written, position + written);
    written += answer.bytesWritten;
  }
}
