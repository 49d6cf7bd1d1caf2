import type { GrantedAsset } from '../../../server/contracts';
import { contentDigest } from './content-digest';
import type { TrackPlan } from './track-plan';

/** Raise it with every change that alters the bytes of a segment, an upgrade of the muxer included. */
const PACKAGER_VERSION = '2+mediabunny-1.61.0';

// A plan belongs to one asset in one version, so the keys asked for last may be kept with it.
const keysOf = new WeakMap<TrackPlan, Map<number, string>>();
const MAX_KEYS_OF_PLAN = 128;

/**
 * Name of one segment in the caches: 32 hex digits that depend on the asset, its content version, rendition, track,
 * number, packager version, the identity of the file and where the segment starts. Number 0 is the init segment.
 */
export function segmentKey(asset: GrantedAsset, plan: TrackPlan, number: number): string {
  const keys = keysOf.get(plan) ?? new Map<number, string>();
  const known = keys.get(number);
  if (known !== undefined) return known;
  if (keys.size >= MAX_KEYS_OF_PLAN) keys.clear();
  const key = deriveKey(asset, plan, number);
  keysOf.set(plan, keys.set(number, key));
  return key;
}

function deriveKey(asset: GrantedAsset, plan: TrackPlan, number: number): string {
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
  return contentDigest(JSON.stringify(parts));
}
