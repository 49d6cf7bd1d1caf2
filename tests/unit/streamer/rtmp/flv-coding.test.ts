import { describe, expect, it } from 'vitest';
import type { StreamOutline, StreamPacket } from '../../../../streamer/src/packager/packet-run';
import { createFlvCoding } from '../../../../streamer/src/rtmp/flv-coding';
import { decodeValues } from '../../../clients/amf0.mjs';

const description = Buffer.from([1, 2, 3]);
const picture = (codec: string, config: Buffer | null = description): StreamOutline => ({
  durationMs: 1000,
  video: { codec, description: config, width: 16, height: 9, frameRate: 24 },
  audio: null,
  runStartsMs: [0],
});
const sound = (
  codec: string,
  config: Buffer | null = description,
  sampleRate = 48_000,
  channels = 2,
): StreamOutline => ({
  durationMs: 1000,
  video: null,
  audio: { codec, description: config, sampleRate, channels },
  runStartsMs: [0],
});
const packet = (more: Partial<StreamPacket> = {}): StreamPacket => ({
  kind: 'video',
  dtsMs: 40,
  ptsMs: 120,
  key: true,
  data: Buffer.from([9]),
  ...more,
});
const hex = (bytes: Buffer | undefined) => bytes?.toString('hex');
const bodyOf = (outline: StreamOutline, more: Partial<StreamPacket> = {}) =>
  hex(createFlvCoding(outline)?.message(packet(more)).body);
const headerOf = (outline: StreamOutline) => hex(createFlvCoding(outline)?.prologue(0)[1]?.body);

describe('pictures in FLV', () => {
  it('AVC as FLV v10.1 has it, with the composition time', () => {
    expect(headerOf(picture('avc'))).toBe('1700000000010203');
    expect(bodyOf(picture('avc'))).toBe('170100005009');
    expect(bodyOf(picture('avc'), { key: false, ptsMs: 40 })).toBe('270100000009');
  });

  it('HEVC under its FourCC, with a composition time only where there is one', () => {
    expect(headerOf(picture('hevc'))).toBe(`90${Buffer.from('hvc1').toString('hex')}010203`);
    expect(bodyOf(picture('hevc'))).toBe(`91${Buffer.from('hvc1').toString('hex')}00005009`);
    expect(bodyOf(picture('hevc'), { key: false, ptsMs: 40 })).toBe(`a3${Buffer.from('hvc1').toString('hex')}09`);
  });

  it.each([
    ['av1', 'av01'],
    ['vp9', 'vp09'],
  ])('%s under %s', (codec, fourCc) => {
    expect(headerOf(picture(codec))).toBe(`90${Buffer.from(fourCc).toString('hex')}010203`);
    expect(bodyOf(picture(codec), { key: false })).toBe(`a1${Buffer.from(fourCc).toString('hex')}09`);
  });

  it.each(['vp8', 'mpeg4'])('%s cannot be carried', (codec) => {
    expect(createFlvCoding(picture(codec))).toBeNull();
  });

  it('AVC without its configuration cannot be carried', () => {
    expect(createFlvCoding(picture('avc', null))).toBeNull();
  });
});

describe('sounds in FLV', () => {
  it('AAC', () => {
    expect(headerOf(sound('aac'))).toBe('af00010203');
    expect(bodyOf(sound('aac'), { kind: 'audio' })).toBe('af0109');
  });

  it.each([
    [44_100, 2, '2f09'],
    [48_000, 1, '2e09'],
    [22_050, 2, '2b09'],
    [11_025, 1, '2609'],
  ])('MP3 of %i Hz and %i channels, without a configuration', (sampleRate, channels, body) => {
    const outline = sound('mp3', null, sampleRate, channels);
    expect(createFlvCoding(outline)?.prologue(0)).toHaveLength(1);
    expect(bodyOf(outline, { kind: 'audio' })).toBe(body);
  });

  it('Opus under its FourCC', () => {
    expect(headerOf(sound('opus'))).toBe(`90${Buffer.from('Opus').toString('hex')}010203`);
    expect(bodyOf(sound('opus'), { kind: 'audio' })).toBe(`91${Buffer.from('Opus').toString('hex')}09`);
  });

  it('a film whose sound FLV cannot carry is not played without it', () => {
    expect(createFlvCoding({ ...picture('avc'), audio: sound('vorbis').audio })).toBeNull();
  });
});

it('the script tag describes the film', () => {
  const outline = { ...picture('avc'), audio: sound('aac').audio, durationMs: 30_000 };
  const [metadata] = createFlvCoding(outline)?.prologue(0) ?? [];
  expect(decodeValues(metadata?.body ?? Buffer.alloc(0))).toEqual([
    'onMetaData',
    {
      duration: 30,
      width: 16,
      height: 9,
      framerate: 24,
      audiosamplerate: 48_000,
      audiochannels: 2,
      stereo: true,
      videocodecid: 7,
      audiocodecid: 10,
    },
  ]);
});
