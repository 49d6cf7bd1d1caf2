import type { FileHandle } from 'node:fs/promises';
import { PackagingError } from './packaging-error';

const BLOCK_BYTES = 1024 * 1024;
/** As many places as are read at a time, more or less: each cut goes through the film by itself. */
const BLOCKS = 4;

interface Block {
  start: number;
  end: number;
  bytes: Uint8Array;
}

async function readExactly(handle: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
    // A file cut short after it was opened would otherwise be packaged as zeros.
    if (bytesRead === 0) throw new PackagingError('asset-unreadable', 'the film ends before its recorded size');
    filled += bytesRead;
  }
  return bytes;
}

/**
 * The bytes of one file. The demuxer asks for 64 KB at a time: who reads on gets a block in one go, and what lies in a block at
 * once. Nobody may write to what is handed out.
 */
export class ReadAhead {
  /** The newest last. */
  #blocks: Block[] = [];

  constructor(
    private readonly handle: FileHandle,
    private readonly sizeBytes: number,
  ) {}

  /** Rejects with PackagingError `asset-unreadable` where the file is shorter than it was. */
  read(start: number, end: number): Uint8Array | Promise<Uint8Array> {
    const block = this.#blocks.find((kept) => kept.start <= start && end <= kept.end);
    return block === undefined ? this.#fetch(start, end) : block.bytes.subarray(start - block.start, end - block.start);
  }

  async #fetch(start: number, end: number): Promise<Uint8Array> {
    const readsOn = this.#blocks.some((kept) => kept.start < start && start <= kept.end);
    const last = readsOn ? Math.min(Math.max(end, start + BLOCK_BYTES), this.sizeBytes) : end;
    const bytes = await readExactly(this.handle, start, last);
    // A larger one is an index or an odd sample, which nobody asks for again soon.
    if (bytes.byteLength <= BLOCK_BYTES) this.#blocks = [...this.#blocks, { start, end: last, bytes }].slice(-BLOCKS);
    return bytes.subarray(0, end - start);
  }
}
