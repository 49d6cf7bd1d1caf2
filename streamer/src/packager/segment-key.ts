import { createHash } from 'node:crypto';
import type { GrantedAsset } from '../../../server/contracts';
import type { TrackPlan } from './track-plan';

/** Raise it with every change that alters the bytes of a segment, an upgrade of the muxer included. */
const PACKAGER_VERSION = '1+mediabunny-1.61.0';

/**
 * Name of one segment in the caches: 64 hex digits that depend on the asset, its content version, rendition, track,
 * number, packager version, the identity of the file and where the segment starts. Number 0 is the init segment.
 */
export function segmentKey(asset: GrantedAsset, plan: TrackPlan, number: number): string {
  const parts = [
    PACKAGER_VERSION,
    asset.id,
    asset.contentVersion,
    plan.rendition.id,
    plan.rendition.storageKey,
    plan.stamp,
    plan.track.id,
    number,
    plan.packetSeconds[Math.max(0, number - 1)],
    plan.packetSeconds[number],
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
