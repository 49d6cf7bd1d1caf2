import { createHmac, hkdfSync } from 'node:crypto';
import type { GrantedAsset, HlsEncryption } from '../../../server/contracts';

const KEY_BYTES = 16;
const VALIDATOR_BYTES = 32;
const LABEL = 'protected-vod/hls-segment-key';

/** With what some segments in a row of one track are encrypted. */
export interface SegmentKey {
  /** AES-128: what the viewer gets. */
  key: Buffer;
  /** Stands in the playlist. Derived apart from the key, of which it tells nothing. */
  iv: Buffer;
  /** Strong validator (RFC 9110 §8.8.3), quotes included, of what is made with this key from a thing that has `etag`. */
  etagOf(etag: string): string;
}

/** The keys of one track under one session. */
export interface TrackKeys {
  segmentsPerKey: number;
  /** Keys and segments are numbered from 1. */
  keyNumberOf(segment: number): number;
  key(number: number): SegmentKey;
}

function derive(secret: Buffer, asset: GrantedAsset, track: string, number: number): SegmentKey {
  const info = JSON.stringify([LABEL, asset.id, asset.contentVersion, track, number]);
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', info, 2 * KEY_BYTES + VALIDATOR_BYTES));
  const validatorKey = bytes.subarray(2 * KEY_BYTES);
  return {
    key: bytes.subarray(0, KEY_BYTES),
    iv: bytes.subarray(KEY_BYTES, 2 * KEY_BYTES),
    etagOf: (etag) => `"${createHmac('sha256', validatorKey).update(etag).digest('base64url').slice(0, 22)}"`,
  };
}

/**
 * HKDF-SHA-256 (RFC 5869) of the session's secret, so every streamer that holds the grant derives the same keys, and none
 * keeps any. A key leads neither to another key nor back to the secret, and the secret of one session not to that of another.
 */
export function trackKeys({ secret, segmentsPerKey }: HlsEncryption, asset: GrantedAsset, track: string): TrackKeys {
  const material = Buffer.from(secret, 'base64url');
  return {
    segmentsPerKey,
    keyNumberOf: (segment) => Math.ceil(segment / segmentsPerKey),
    key: (number) => derive(material, asset, track, number),
  };
}
