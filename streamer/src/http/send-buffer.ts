import type { PacedKind } from '../access/media-pace';
import type { Exchange, Representation } from './exchange';
import { type Extent, negotiate } from './negotiate';
import { sendTooFast } from './refusal-answer';

export interface MediaShare {
  kind: PacedKind;
  durationSeconds: number;
}

export interface BufferAnswer {
  bytes: Buffer;
  representation: Omit<Representation, 'sizeBytes'>;
  /** Present for media, which is served at a bounded pace (S13). */
  media?: MediaShare;
}

/** 0: may be sent now. A part of a segment counts by its share of the bytes. */
function claim({ session }: Exchange, media: MediaShare, extent: Extent, total: number): number {
  return session.claimMedia(media.kind, media.durationSeconds * (extent.length / total));
}

/** Answers from memory with a single write. */
export function sendBuffer(exchange: Exchange, { bytes, representation, media }: BufferAnswer): void {
  const { response, session } = exchange;
  const { status, headers, extent } = negotiate(exchange, { ...representation, sizeBytes: bytes.length });
  const waitMs = extent !== null && media !== undefined ? claim(exchange, media, extent, bytes.length) : 0;
  if (waitMs > 0) {
    sendTooFast(response, waitMs);
    return;
  }
  response.writeHead(status, headers);
  if (extent === null) {
    response.end();
    return;
  }
  session.countBytes(extent.length);
  response.end(extent.length === bytes.length ? bytes : bytes.subarray(extent.first, extent.last + 1));
}
