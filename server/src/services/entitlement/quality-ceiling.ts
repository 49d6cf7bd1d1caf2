import type { GrantedAsset } from '../../../contracts';

/** The asset without the renditions above the ceiling, and without those whose height is not known; null: none is left. */
export function belowCeiling(asset: GrantedAsset, maxHeight: number | null): GrantedAsset | null {
  if (maxHeight === null) return asset;
  const renditions = asset.renditions.filter(({ height }) => height !== undefined && height <= maxHeight);
  return renditions.length > 0 ? { ...asset, renditions } : null;
}
