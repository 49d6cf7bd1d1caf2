import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { PlaybackSession } from '../access/gate';
import { BLOCK_BYTES, giveBlock, takeBlock } from './block-pool';
import type { Exchange, Representation } from './exchange';
import { type Extent, negotiate } from './negotiate';

export interface FileAnswer {
  file: FileHandle;
  representation: Representation;
  /** Media seconds per byte; absent: not paced. */
  secondsPerByte?: number;
}

/** Settles when the block has been flushed; false: the connection is gone. */
function write(exchange: Exchange, block: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const { response } = exchange;
    const onClose = (): void => resolve(false);
    response.once('close', onClose);
    response.write(block, (error) => {
      response.off('close', onClose);
      resolve(error === null || error === undefined);
    });
  });
}

/** Waits until the pace allows `seconds` more; false: the right to this response ended meanwhile. */
async function keepPace(session: PlaybackSession, seconds: number): Promise<boolean> {
  for (;;) {
    if (!session.mayContinue()) return false;
    const waitMs = session.claimMedia('progressive', seconds);
    if (waitMs === 0) return true;
    // In slices, so that a lapsed lease is noticed while waiting.
    await delay(Math.min(waitMs, 1000), undefined, { signal: session.signal }).catch(() => undefined);
  }
}

async function sendBlock(exchange: Exchange, answer: FileAnswer, at: Extent): Promise<number> {
  const { session } = exchange;
  const block = takeBlock();
  const { bytesRead } = await answer.file.read(block, 0, Math.min(BLOCK_BYTES, at.length), at.first);
  // Shorter than announced: the file changed. Cutting the connection is the only honest answer left.
  if (bytesRead === 0) return 0;
  const allowed = await keepPace(session, bytesRead * (answer.secondsPerByte ?? 0));
  if (!allowed || !(await write(exchange, block.subarray(0, bytesRead)))) return 0;
  session.countBytes(bytesRead);
  giveBlock(block);
  return bytesRead;
}

/**
 * Sends a file, or the asked part of it, in pooled blocks: the next is read when the last was flushed, so a slow reader
 * holds one block and nothing is sent ahead of the right to send it. Does not close the file.
 */
export async function sendFile(exchange: Exchange, answer: FileAnswer): Promise<void> {
  const { response } = exchange;
  const { status, headers, extent } = negotiate(exchange, answer.representation);
  // S15: a buffering proxy would go on sending after the end of the session.
  response.writeHead(status, { ...headers, 'x-accel-buffering': 'no' });
  if (extent === null) {
    response.end();
    return;
  }
  let { first, length } = extent;
  while (length > 0) {
    const sent = await sendBlock(exchange, answer, { first, last: extent.last, length });
    if (sent === 0) {
      response.destroy();
      return;
    }
    first += sent;
    length -= sent;
  }
  response.end();
}
