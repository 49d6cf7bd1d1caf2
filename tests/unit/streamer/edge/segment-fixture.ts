import type { StreamerSettings } from '../../../../server/contracts';
import type { Packager } from '../../../../streamer/src/packager/packager';
import { plainPackager, type Site, startSite } from '../access/harness';

/** nginx, as far as the streamer can tell. */
export const PROXY = '127.0.3.1';
export const VIEWER = '127.0.0.1';
export const SEGMENT_SECONDS = 6;
export const SEGMENT_BYTES = 300 * 1024;
export const FILE_NAME = `${'a'.repeat(32)}.${'b'.repeat(32)}.m4s`;

export const described = { durationSeconds: SEGMENT_SECONDS, mime: 'video/mp4', etag: '"s"' };

/** Ten segments in memory and as files; a `segmentFile` that says otherwise may be put in. */
export function startSegmentSite(
  settings: Partial<StreamerSettings>,
  segmentFile: Packager['segmentFile'] = async (_asset, _track, number) =>
    number > 10 ? null : { ...described, fileName: FILE_NAME, path: `/cache/${FILE_NAME}`, sizeBytes: SEGMENT_BYTES },
): Promise<Site> {
  const segment: Packager['segment'] = async (_asset, _track, number) =>
    number > 10 ? null : { ...described, bytes: Buffer.alloc(SEGMENT_BYTES, number) };
  const packager: Packager = { ...plainPackager, segment, segmentFile };
  return startSite({ settings: { trustedProxies: [PROXY], ...settings }, overrides: { packager } });
}

/** As nginx would forward a request of `viewer`. */
export const forwarded = (viewer: string, headers: Record<string, string> = {}) => ({
  from: PROXY,
  headers: { 'x-forwarded-for': viewer, ...headers },
});

/** Bytes that the streamer has told the plugin of. */
export const reportedBytes = ({ plugin }: Site): number =>
  plugin.syncs.flatMap(({ sessions }) => sessions).reduce((sum, { bytes }) => sum + bytes, 0);
