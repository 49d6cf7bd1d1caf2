import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { PlaybackSession } from '../access/gate';
import { giveBlock, loseBlock, takeBlock } from './block-pool';
import type { Exchange, Representation } from './exchange';
import { type Extent, negotiate } from './negotiate';
import { writeBlock } from './write-block';

export interface FileAnswer {
  file: FileHandle;
  representation: Representation;
  /** Media seconds per byte; absent: not paced. */
  secondsPerByte?: number;
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

interface Sent {
  /** 0: the rest cannot be sent. */
  bytes: number;
  fast: boolean;
}

const NOTHING: Sent = { bytes: 0, fast: false };

async function sendBlock(exchange: Exchange, answer: FileAnswer, block: Buffer, at: Extent): Promise<Sent> {
  const { session } = exchange;
  const length = Math.min(block.length, at.length);
  if (!(await keepPace(session, length * (answer.secondsPerByte ?? 0)))) return NOTHING;
  const { bytesRead } = await answer.file.read(block, 0, length, at.first);
  // Shorter than announced: the file changed. Cutting the connection is the only honest answer left.
  if (bytesRead === 0 || !session.mayContinue()) return NOTHING;
  const flush = await writeBlock(exchange, bytesRead === block.length ? block : block.subarray(0, bytesRead));
  if (flush === 'gone') return NOTHING;
  session.countBytes(bytesRead);
  return { bytes: bytesRead, fast: flush === 'at-once' };
}

async function sendNext(exchange: Exchange, answer: FileAnswer, at: Extent, fast: boolean): Promise<Sent> {
  const block = takeBlock(at.length, fast);
  let sent = NOTHING;
  try {
    sent = await sendBlock(exchange, answer, block, at);
  } finally {
    if (sent.bytes > 0) giveBlock(block);
    else loseBlock(block);
  }
  return sent;
}

/** Sends the extent; false: it could not be sent to its end. */
async function sendExtent(exchange: Exchange, answer: FileAnswer, { first, last, length }: Extent): Promise<boolean> {
  let done = 0;
  let fast = true;
  while (done < length) {
    const sent = await sendNext(exchange, answer, { first: first + done, last, length: length - done }, fast);
    if (sent.bytes === 0) return false;
    done += sent.bytes;
    fast = sent.fast;
  }
  return true;
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
  if (await sendExtent(exchange, answer, extent)) response.end();
  else response.destroy();
}
