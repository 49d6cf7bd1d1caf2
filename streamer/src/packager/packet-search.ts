import type { EncodedPacket, EncodedPacketSink } from 'mediabunny';

/** Wider than the rounding of any time base, narrower than any packet. */
export const TIME_TOLERANCE_SECONDS = 1e-4;

const METADATA = { metadataOnly: true } as const;

/** First key packet presented at or after `seconds`, without its data. Jumps, so its cost is not that of a walk. */
export async function firstKeyFrom(sink: EncodedPacketSink, seconds: number): Promise<EncodedPacket | null> {
  const before = await sink.getKeyPacket(seconds + TIME_TOLERANCE_SECONDS, METADATA);
  if (before === null) return sink.getFirstKeyPacket(METADATA);
  if (before.timestamp >= seconds - TIME_TOLERANCE_SECONDS) return before;
  return sink.getNextKeyPacket(before, METADATA);
}

/** First packet at or after `seconds` of a track without reordering, without its data. */
export async function firstPacketFrom(sink: EncodedPacketSink, seconds: number): Promise<EncodedPacket | null> {
  const before = await sink.getPacket(seconds + TIME_TOLERANCE_SECONDS, METADATA);
  if (before === null) return sink.getFirstPacket(METADATA);
  if (before.timestamp >= seconds - TIME_TOLERANCE_SECONDS) return before;
  return sink.getNextPacket(before, METADATA);
}

/**
 * Earliest presentation time of what follows `key` in decode order up to the first picture after it. With an open GOP
 * leading pictures are decoded after the key picture and shown before it, so the segment starts with them.
 */
export async function leadingStart(sink: EncodedPacketSink, key: EncodedPacket): Promise<number> {
  let earliest = key.timestamp;
  let packet = await sink.getNextPacket(key, METADATA);
  while (packet !== null && packet.timestamp < key.timestamp) {
    earliest = Math.min(earliest, packet.timestamp);
    packet = await sink.getNextPacket(packet, METADATA);
  }
  return earliest;
}
