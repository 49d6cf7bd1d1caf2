/** 256 KB: the measured compromise between memory and throughput for what is not in a cache. */
export const BLOCK_BYTES = 256 * 1024;
const MAX_KEPT = 64;

const free: Buffer[] = [];

export function takeBlock(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
}

/** Only for blocks that no write refers to any more. */
export function giveBlock(block: Buffer): void {
  if (free.length < MAX_KEPT) free.push(block);
}
