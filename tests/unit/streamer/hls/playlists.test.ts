import { describe, expect, it } from 'vitest';
import { formatMediaPlaylist } from '../../../../streamer/src/hls/media-playlist';
import { formatMultivariantPlaylist } from '../../../../streamer/src/hls/multivariant-playlist';
import type { Presentation, Track } from '../../../../streamer/src/packager/presentation';
import { audioTrack, videoTrack } from '../packager/track-fixture';

const PICTURES = [
  { startSeconds: 0, durationSeconds: 10.416666666666666 },
  { startSeconds: 10.416666666666666, durationSeconds: 12.625 },
];

const video = (rendition: string, changes?: Partial<Track>) =>
  videoTrack(`${rendition}-v1`, { segments: PICTURES, ...changes });

function audio(number: number, changes: Partial<Track> = {}): Track {
  const segments = [{ startSeconds: 0, durationSeconds: 23.04 }];
  return audioTrack(`source-a${number}`, {
    channels: 6,
    sampleRate: 48000,
    name: `Audio ${number}`,
    segments,
    ...changes,
  });
}

function lines(tracks: Track[]): string[] {
  const presentation: Presentation = { durationSeconds: 23.04, tracks };
  return formatMultivariantPlaylist(presentation).trimEnd().split('\n');
}

const starting = (all: string[], tag: string) => all.filter((line) => line.startsWith(tag));

describe('media playlist', () => {
  const playlist = formatMediaPlaylist(video('source'));

  it('is a complete fMP4 VOD playlist with relative addresses', () => {
    expect(playlist).toBe(
      [
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-TARGETDURATION:13',
        '#EXT-X-MEDIA-SEQUENCE:1',
        '#EXT-X-PLAYLIST-TYPE:VOD',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-MAP:URI="init.mp4"',
        '#EXTINF:10.416667,',
        '1.m4s',
        '#EXTINF:12.625000,',
        '2.m4s',
        '#EXT-X-ENDLIST',
        '',
      ].join('\n'),
    );
  });

  it('names the key of each two segments before them, where they are encrypted', () => {
    const keys = {
      segmentsPerKey: 2,
      keyNumberOf: (segment: number) => Math.ceil(segment / 2),
      key: (number: number) => ({ key: Buffer.alloc(16), iv: Buffer.alloc(16, number), etagOf: String }),
    };
    const segments = [0, 1, 2].map((startSeconds) => ({ startSeconds, durationSeconds: 1 }));
    const media = formatMediaPlaylist(video('source', { segments }), keys).split('\n');
    expect(media.slice(media.indexOf('#EXT-X-MAP:URI="init.mp4"') + 1, -2)).toEqual([
      `#EXT-X-KEY:METHOD=AES-128,URI="key/1.key",IV=0x${'01'.repeat(16)}`,
      '#EXTINF:1.000000,',
      '1.m4s',
      '#EXTINF:1.000000,',
      '2.m4s',
      `#EXT-X-KEY:METHOD=AES-128,URI="key/2.key",IV=0x${'02'.repeat(16)}`,
      '#EXTINF:1.000000,',
      '3.m4s',
    ]);
  });

  it('has durations that add up to the film, however many there are', () => {
    const third = 20 / 3;
    const segments = Array.from({ length: 3000 }, (_, index) => ({
      startSeconds: index * third,
      durationSeconds: third,
    }));
    const text = formatMediaPlaylist(video('source', { segments }));
    const sum = [...text.matchAll(/#EXTINF:([\d.]+),/g)].reduce((total, match) => total + Number(match[1]), 0);
    expect(Math.abs(sum - 20_000)).toBeLessThan(1e-5);
  });

  it('does not call segments independent that are not', () => {
    expect(formatMediaPlaylist(video('source', { independent: false }))).not.toContain('INDEPENDENT');
  });
});

describe('multivariant playlist', () => {
  it('names one variant per rendition with the sound of the first as its group', () => {
    const all = lines([video('source'), audio(1, { language: 'de' }), video('360p', { width: 640, height: 360 })]);
    expect(all.slice(0, 4)).toEqual([
      '#EXTM3U',
      '#EXT-X-VERSION:7',
      '#EXT-X-INDEPENDENT-SEGMENTS',
      '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio-mp4a",NAME="Audio 1",LANGUAGE="de",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="6",URI="source-a1/media.m3u8"',
    ]);
    expect(all.slice(4)).toEqual([
      '#EXT-X-STREAM-INF:BANDWIDTH=5200000,AVERAGE-BANDWIDTH=3128000,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=1920x1080,FRAME-RATE=23.976,AUDIO="audio-mp4a"',
      'source-v1/media.m3u8',
      '#EXT-X-STREAM-INF:BANDWIDTH=5200000,AVERAGE-BANDWIDTH=3128000,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=23.976,AUDIO="audio-mp4a"',
      '360p-v1/media.m3u8',
    ]);
  });

  it('without sound names no group and no audio codec', () => {
    const [variant] = starting(lines([video('source')]), '#EXT-X-STREAM-INF');
    expect(variant).toContain('CODECS="avc1.640028"');
    expect(variant).not.toContain('AUDIO');
  });

  it('without a picture makes the sound the variant', () => {
    const all = lines([audio(1)]);
    expect(starting(all, '#EXT-X-MEDIA')).toEqual([]);
    expect(all.slice(-2)).toEqual([
      '#EXT-X-STREAM-INF:BANDWIDTH=200000,AVERAGE-BANDWIDTH=128000,CODECS="mp4a.40.2"',
      'source-a1/media.m3u8',
    ]);
  });

  it('without a picture lists several sound tracks as a group of the variant', () => {
    const all = lines([audio(1), audio(2)]);
    expect(starting(all, '#EXT-X-MEDIA')).toHaveLength(2);
    expect(starting(all, '#EXT-X-STREAM-INF')).toHaveLength(1);
    expect(starting(all, '#EXT-X-STREAM-INF')[0]).toContain('AUDIO="audio-mp4a"');
  });

  it('keeps codecs apart, so that a player without one can use the other', () => {
    const all = lines([video('source'), audio(1), audio(2, { codec: 'ac-3' })]);
    expect(starting(all, '#EXT-X-STREAM-INF').map((line) => /CODECS="([^"]+)"/.exec(line)?.[1])).toEqual([
      'avc1.640028,mp4a.40.2',
      'avc1.640028,ac-3',
    ]);
  });

  it('has one default per group and no two equal names', () => {
    const media = starting(
      lines([video('source'), audio(1, { name: 'a"b' }), audio(2, { name: "a'b" })]),
      '#EXT-X-MEDIA',
    );
    expect(media.filter((line) => line.includes('DEFAULT=YES'))).toHaveLength(1);
    expect(new Set(media.map((line) => /NAME="([^"]+)"/.exec(line)?.[1])).size).toBe(2);
  });

  it.each([
    'x",URI="https://example.org/steal.m3u8',
    'x\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttps://example.org/steal.m3u8',
    'x\r#EXT-X-ENDLIST',
    'x\u2028#EXT-X-ENDLIST',
    '\u0000',
  ])('a name of %j stays inside its quotes', (name) => {
    const all = lines([video('source'), audio(1, { name })]);
    expect(all).toHaveLength(lines([video('source'), audio(1)]).length);
    const [media] = starting(all, '#EXT-X-MEDIA');
    expect(media).toMatch(/NAME="[^"\r\n\u0000-\u001f\u2028]*",DEFAULT=YES/);
    expect([...(media ?? '').matchAll(/URI="([^"]*)"/g)].map((match) => match[1])).toEqual(['source-a1/media.m3u8']);
  });

  it('does not call segments independent when one rendition has open groups', () => {
    expect(lines([video('source'), video('360p', { independent: false })])).not.toContain(
      '#EXT-X-INDEPENDENT-SEGMENTS',
    );
  });
});
