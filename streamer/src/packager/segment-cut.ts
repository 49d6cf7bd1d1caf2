import type { EncodedPacket } from 'mediabunny';
import type { Film } from './film';
import { writeFragment } from './fragment-output';
import { findTrack, firstOf, packetsOf } from './packet-span';
import type { SegmentOrder } from './segment-order';

async function* only(packet: Promise<EncodedPacket>): AsyncGenerator<EncodedPacket> {
  yield await packet;
}

/** Cuts one segment out of the film its plan was made from. */
export async function cutSegment(film: Film, { part, span, shiftSeconds }: SegmentOrder): Promise<Buffer> {
  const track = await findTrack(film, span);
  const packets = part === 'init' ? only(firstOf(track, span)) : packetsOf(track, span);
  const { initSegment, mediaSegment } = await writeFragment(track.inputTrack, packets, shiftSeconds);
  return part === 'init' ? initSegment : mediaSegment;
}
