/** 256 KB: the measured compromise between memory and throughput for what is not in a cache. */
const BLOCK_BYTES = 256 * 1024;
/** Half as many reads again for who takes it at once; bounded, because a reader that stalls holds its block. */
const LARGE_BLOCK_BYTES = 1024 * 1024;
const MAX_LARGE_BLOCKS = 32;
const MAX_KEPT = 64;

const free: Buffer[] = [];
const freeLarge: Buffer[] = [];
let largeBlocks = 0;

/** A block for `length` more bytes; `fast`: the reader took the last one without a wait. */
export function takeBlock(length: number, fast: boolean): Buffer {
  if (!fast || length <= BLOCK_BYTES) return free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  const large = freeLarge.pop();
  if (large !== undefined) return large;
  if (largeBlocks >= MAX_LARGE_BLOCKS) return takeBlock(length, false);
  largeBlocks += 1;
  return Buffer.allocUnsafeSlow(LARGE_BLOCK_BYTES);
}

/** Only for blocks that no write refers to any more. */
export function giveBlock(block: Buffer): void {
  if (block.length === LARGE_BLOCK_BYTES) freeLarge.push(block);
  else if (free.length < MAX_KEPT) free.push(block);
}

/** For a block that a write may still refer to: it is left to the garbage collector. */
export function loseBlock(block: Buffer): void {
  if (block.length === LARGE_BLOCK_BYTES) largeBlocks -= 1;
}
