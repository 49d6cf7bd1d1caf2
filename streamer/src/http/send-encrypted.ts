import { setImmediate as nextTurn } from 'node:timers/promises';
import { encryptedParts, encryptedSize } from '../hls/segment-cipher';
import type { SegmentKey } from '../hls/segment-keys';
import type { Exchange } from './exchange';
import { type Extent, negotiate } from './negotiate';
import { sendTooFast } from './refusal-answer';
import type { BufferAnswer, MediaShare } from './send-buffer';
import { writeBlock } from './write-block';

/** A segment in the clear, as it is cached, and what it is to be encrypted with on its way (S19). */
export interface EncryptedAnswer {
  clear: BufferAnswer & { media: MediaShare };
  key: SegmentKey;
}

/** What of a part that begins at `at` belongs to the extent; null: nothing. */
function within(part: Buffer, at: number, { first, last }: Extent): Buffer | null {
  if (at > last || at + part.length <= first) return null;
  return part.subarray(Math.max(0, first - at), last + 1 - at);
}

/** Sends the extent; false: it could not be sent to its end. */
async function sendExtent(exchange: Exchange, { clear, key }: EncryptedAnswer, extent: Extent): Promise<boolean> {
  let at = 0;
  for (const part of encryptedParts(clear.bytes, key)) {
    if (at > extent.last) break;
    const wanted = within(part, at, extent);
    if (!exchange.session.mayContinue()) return false;
    // What precedes a range has to be encrypted, too; others have their turn meanwhile.
    if (wanted === null) await nextTurn();
    else if ((await writeBlock(exchange, wanted)) === 'gone') return false;
    else exchange.session.countBytes(wanted.length);
    at += part.length;
  }
  return true;
}

/**
 * Answers with the encrypted segment or a range of it. Length and validator are those of what is sent. A range costs the pace as
 * much as the whole (S13), because it is as much work.
 */
export async function sendEncrypted(exchange: Exchange, answer: EncryptedAnswer): Promise<void> {
  const { response, session } = exchange;
  const { bytes, representation, media } = answer.clear;
  const etag = answer.key.etagOf(representation.etag);
  const sizeBytes = encryptedSize(bytes.length);
  const { status, headers, extent } = negotiate(exchange, { ...representation, etag, sizeBytes });
  const waitMs = extent === null ? 0 : session.claimMedia(media.kind, media.durationSeconds);
  if (waitMs > 0) {
    sendTooFast(response, waitMs);
    return;
  }
  response.writeHead(status, headers);
  if (extent === null || (await sendExtent(exchange, answer, extent))) response.end();
  else response.destroy();
}
