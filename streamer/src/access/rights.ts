import { type Grant, protocolOf, type Resource } from '../../../server/contracts';

/** `source-v1` → `source`. */
function renditionOf(track: string): string {
  return track.slice(0, track.lastIndexOf('-'));
}

/**
 * S14: whether `grant` permits this very resource, whatever any playlist lists. Says nothing about the lease, the client,
 * or whether the track exists in the rendition.
 */
export function permits(grant: Grant, resource: Resource): boolean {
  if (resource.kind === 'download') return grant.download;
  const protocol = protocolOf(resource);
  if (protocol === null || !grant.protocols.includes(protocol)) return false;
  if (resource.kind === 'rtmp') return resource.video === grant.video;
  if (!('track' in resource)) return true;
  const rendition = renditionOf(resource.track);
  return grant.asset.renditions.some(({ id }) => id === rendition);
}
