import { describe, expect, it } from 'vitest';
import { type AddressedResource, formatDeliveryPath, parseDeliveryPath } from '../../../server/contracts';

const RESOURCES: AddressedResource[] = [
  { kind: 'multivariant-playlist' },
  { kind: 'manifest' },
  { kind: 'media-playlist', track: 'source-v1' },
  { kind: 'init-segment', protocol: 'hls', track: 'source-a2' },
  { kind: 'init-segment', protocol: 'dash', track: '480-v1' },
  { kind: 'segment', protocol: 'hls', track: 'source-v1', number: 1 },
  { kind: 'segment', protocol: 'dash', track: 'source-a1', number: 1234 },
  { kind: 'segment-key', track: 'source-v1', number: 12 },
  { kind: 'progressive' },
  { kind: 'download' },
  { kind: 'flv', transport: 'http' },
  { kind: 'chapters' },
  { kind: 'waveform' },
  { kind: 'text', text: 'e1' },
  { kind: 'text', text: '3f9a2b1c' },
  { kind: 'text-playlist', text: 'e12' },
  { kind: 'text-segment', text: '3f9a2b1c', number: 120 },
];

describe('delivery addresses', () => {
  it.each(RESOURCES)('%j is read back as it was written', (resource) => {
    expect(parseDeliveryPath(formatDeliveryPath('cred', resource))).toEqual({ credential: 'cred', resource });
  });

  it.each([
    '/v/cred/',
    '/v/cred',
    '/v/cred/hls',
    '/v/cred/hls/main.m3u8/',
    '/v/cred/hls/main.m3u8/x',
    '/v/cred//hls/main.m3u8',
    '/v/cred/HLS/main.m3u8',
    '/v/cred/hls/../mp4',
    '/v/cred/hls/source-v1/0.m4s',
    '/v/cred/hls/source-v1/01.m4s',
    '/v/cred/hls/source-v1/-1.m4s',
    '/v/cred/hls/source-v1/1e3.m4s',
    '/v/cred/hls/source-v1/99999999.m4s',
    '/v/cred/hls/source-v1/1.m4s%00',
    '/v/cred/hls/..%2fsource-v1/1.m4s',
    '/v/cred/hls/%2e%2e/init.mp4',
    '/v/cred/hls/../init.mp4',
    '/v/cred/hls/source-x1/init.mp4',
    '/v/cred/dash/source-v1/media.m3u8',
    '/v/cred/hls/source-v1/key/0.key',
    '/v/cred/hls/source-v1/key/01.key',
    '/v/cred/hls/source-v1/key/1',
    '/v/cred/hls/source-v1/key/1.key/x',
    '/v/cred/hls/source-x1/key/1.key',
    '/v/cred/hls/source-v1/1.key',
    '/v/cred/hls/key/1.key',
    '/v/cred/dash/source-v1/key/1.key',
    '/v/cred/text',
    '/v/cred/text/',
    '/v/cred/text/.vtt',
    '/v/cred/text/../mp4.vtt',
    '/v/cred/text/..%2fposter.vtt',
    '/v/cred/text/E1.vtt',
    '/v/cred/text/e1.srt',
    '/v/cred/text/e1.vtt/',
    '/v/cred/text/e1.vtt%00',
    '/v/cred/text/aaaaaaaaaaaaaaaaa.vtt',
    '/v/cred/text/e1/media.m3u8',
    '/v/cred/dash/text/e1/1.vtt',
    '/v/cred/hls/text/e1.vtt',
    '/v/cred/hls/text/e1/0.vtt',
    '/v/cred/hls/text/e1/01.vtt',
    '/v/cred/hls/text/e1/1.m4s',
    '/v/cred/hls/text/e1/init.mp4',
    '/v/cred/hls/text/../media.m3u8',
    '/v/cred/hls/text/%2e%2e/1.vtt',
    '/v/cred/hls/text/e1/1.vtt/2.vtt',
    '/v/cred/hls/text/e1/key/1.key',
    '/v/cred/hls/chapters.vtt',
    '/v/cred/waveform',
    '/v/cred/mp4/',
    '/v/cred/metrics',
  ])('%s names nothing', (path) => {
    expect(parseDeliveryPath(path)).toEqual({ credential: 'cred', resource: null });
  });

  it('an empty credential is told from a missing one by nobody: both are empty', () => {
    expect(parseDeliveryPath('/v//hls/main.m3u8')?.credential).toBe('');
    expect(parseDeliveryPath('/v')?.credential).toBe('');
  });

  it.each(['', '/', 'v/cred/mp4', '//v/cred/mp4', '/V/cred/mp4', '/vod/cred/mp4'])(
    '%j is not a delivery path',
    (path) => {
      expect(parseDeliveryPath(path)).toBeNull();
    },
  );
});
