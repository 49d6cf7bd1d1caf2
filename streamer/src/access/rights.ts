import { type Grant, protocolOf, type Resource } from '../../../server/contracts';

/** Made of the film itself: whoever may watch any of it may see them. */
const PICTURES: ReadonlySet<Resource['kind']> = new Set([
  ...(['poster', 'storyboard', 'storyboard-sprite', 'waveform', 'chapters'] as const),
]);

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
  if ('text' in resource && !grant.asset.textTracks?.some(({ id }) => id === resource.text)) return false;
  // The cues are of the film, not of a protocol.
  if (resource.kind === 'text') return true;
  const protocol = protocolOf(resource);
  if (protocol === null || !grant.protocols.includes(protocol)) return false;
  if (resource.kind === 'rtmp') return resource.video === grant.video;
  return !('track' in resource) || isGranted(renditionOf(resource.track));
}
