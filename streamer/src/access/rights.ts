import { type Grant, protocolOf, type Resource } from '../../../server/contracts';

/** Stills of the film itself: whoever may watch any of it may see them. */
const PICTURES: ReadonlySet<Resource['kind']> = new Set(['poster', 'storyboard', 'storyboard-sprite']);

/** `source-v1` → `source`. */
function renditionOf(track: string): string {
  return track.slice(0, track.lastIndexOf('-'));
}

/**
 * S14: whether `grant` permits this very resource, whatever any playlist lists. Says nothing about the lease, the client,
 * or whether the track exists in the rendition.
 */
export function permits(grant: Grant, resource: Resource): boolean {
  const isGranted = (rendition: string) => grant.asset.renditions.some(({ id }) => id === rendition);
  // Downloads, progressive MP4 and streams are the best rendition that is granted; there is always one.
  if (resource.kind === 'download') return grant.download;
  if (PICTURES.has(resource.kind)) return true;
  const protocol = protocolOf(resource);
  if (protocol === null || !grant.protocols.includes(protocol)) return false;
  if (resource.kind === 'rtmp') return resource.video === grant.video;
  return !('track' in resource) || isGranted(renditionOf(resource.track));
}
