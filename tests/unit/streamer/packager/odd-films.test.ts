import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Presentation } from '../../../../streamer/src/packager/packager';
import {
  assetOf,
  type Counted,
  countingPackager,
  decodedPictures,
  ffmpeg,
  hasFfmpeg,
  joinTrack,
  listPackets,
  makeScratch,
} from './film-fixture';

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=20'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100:duration=20'];
const H264 = [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-bf',
  '2',
  '-b_strategy',
  '0',
  '-g',
  '50',
  '-pix_fmt',
  'yuv420p',
];
const AAC = ['-c:a', 'aac', '-b:a', '64k', '-ac', '2'];

let scratch: Awaited<ReturnType<typeof makeScratch>>;
let counted: Counted;

const at = (name: string) => join(scratch.directory, name);

interface Packaged {
  presentation: Presentation;
  /** Path of the joined segments of a track. */
  joined: (trackId: string) => Promise<string>;
}

async function packageFilm(name: string): Promise<Packaged> {
  const asset = assetOf({ source: at(name) });
  const presentation = await counted.packager.presentation(asset);
  const joined = async (trackId: string) => {
    const path = at(`${name}-${trackId}.mp4`);
    await joinTrack(counted.packager, asset, trackId, path);
    return path;
  };
  return { presentation, joined };
}

function expectContiguous({ tracks, durationSeconds }: Presentation): void {
  for (const { segments } of tracks) {
    let end = segments[0]?.startSeconds ?? Number.NaN;
    expect(end).toBeGreaterThanOrEqual(0);
    for (const segment of segments) {
      expect(segment.startSeconds).toBeCloseTo(end, 6);
      expect(segment.durationSeconds).toBeGreaterThan(0);
      end = segment.startSeconds + segment.durationSeconds;
    }
    expect(end).toBeLessThanOrEqual(durationSeconds + 1e-9);
  }
}

/** Same packets at the same distances; a film may be moved as a whole, and sound before 0 is left out. */
async function expectSamePackets(name: string, joined: string, kind: 'video' | 'audio', ordinal = 0): Promise<void> {
  const all = await listPackets(at(name), kind, ordinal);
  const source = kind === 'audio' ? all.filter(({ timestamp }) => timestamp >= 0) : all;
  const cut = await listPackets(joined, kind);
  expect(cut).toHaveLength(source.length);
  const moved = Math.min(...cut.map(({ timestamp }) => timestamp)) - Math.min(...source.map((p) => p.timestamp));
  const worst = cut.map((packet, index) =>
    Math.abs(packet.timestamp - moved - (source[index]?.timestamp ?? Number.NaN)),
  );
  expect(Math.max(...worst)).toBeLessThan(2e-5);
}

describe.skipIf(!hasFfmpeg)('films made by ffmpeg (needs ffmpeg)', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    scratch = await makeScratch();
    counted = countingPackager(scratch.directory);
    await ffmpeg(...PICTURE, ...SOUND, ...H264, ...AAC, '-shortest', '-movflags', '+faststart', at('faststart.mp4'));
  }, 60_000);

  afterAll(async () => {
    await counted.packager.close();
    await scratch.remove();
  });

  it.each([
    ['faststart', 'faststart.mp4', null],
    ['tail moov', 'tail.mp4', []],
    ['fragmented', 'fragmented.mp4', ['-movflags', 'frag_keyframe+empty_moov']],
    ['Matroska', 'film.mkv', []],
    ['MPEG transport stream', 'film.ts', []],
  ])(
    '%s: every packet is there and every picture decodes as in the source',
    async (_, name, copy) => {
      if (copy) await ffmpeg('-i', at('faststart.mp4'), '-c', 'copy', ...copy, at(name));
      const { presentation, joined } = await packageFilm(name);
      expect(presentation.tracks.map(({ id }) => id)).toEqual(['source-v1', 'source-a1']);
      expectContiguous(presentation);
      expect(presentation.tracks[0]?.segments).toHaveLength(4);
      const video = await joined('source-v1');
      expect(await decodedPictures(video)).toBe(await decodedPictures(at(name)));
      // A transport stream is rewritten from ADTS and starts at 1.4 s; counts and distances hold all the same.
      await expectSamePackets(name, video, 'video');
      await expectSamePackets(name, await joined('source-a1'), 'audio');
    },
    30_000,
  );

  it('a transport stream that starts late is moved to 0', async () => {
    await ffmpeg('-i', at('faststart.mp4'), '-c', 'copy', at('late.ts'));
    const { presentation } = await packageFilm('late.ts');
    expect(Math.min(...presentation.tracks.map(({ segments }) => segments[0]?.startSeconds ?? -1))).toBe(0);
    expect(presentation.durationSeconds).toBeCloseTo(20, 0);
  });

  it('audio only is cut every 6 s', async () => {
    await ffmpeg('-i', at('faststart.mp4'), '-vn', '-c', 'copy', at('audio.m4a'));
    const { presentation, joined } = await packageFilm('audio.m4a');
    expect(presentation.tracks.map(({ id, mime }) => ({ id, mime }))).toEqual([{ id: 'source-a1', mime: 'audio/mp4' }]);
    expectContiguous(presentation);
    expect(presentation.tracks[0]?.segments.map(({ startSeconds }) => Math.floor(startSeconds))).toEqual([
      0, 6, 12, 18,
    ]);
    await expectSamePackets('audio.m4a', await joined('source-a1'), 'audio');
  });

  it('a film without sound has one track', async () => {
    await ffmpeg('-i', at('faststart.mp4'), '-an', '-c', 'copy', at('silent.mp4'));
    const { presentation } = await packageFilm('silent.mp4');
    expect(presentation.tracks.map(({ kind }) => kind)).toEqual(['video']);
  });

  it('sound that outlasts the picture goes on in segments of 6 s', async () => {
    await ffmpeg('-i', at('faststart.mp4'), '-map', '0:a', '-c', 'copy', at('long-sound.m4a'));
    await ffmpeg('-t', '7', '-i', at('silent.mp4'), '-i', at('long-sound.m4a'), '-c', 'copy', at('outlasting.mp4'));
    const { presentation, joined } = await packageFilm('outlasting.mp4');
    expectContiguous(presentation);
    expect(presentation.durationSeconds).toBeCloseTo(20, 1);
    for (const { durationSeconds } of presentation.tracks[1]?.segments ?? []) expect(durationSeconds).toBeLessThan(8);
    await expectSamePackets('outlasting.mp4', await joined('source-a1'), 'audio');
  });

  it('sound that sets in before the picture belongs to the first segment', async () => {
    const inputs = ['-itsoffset', '0.5', '-i', at('silent.mp4'), '-i', at('long-sound.m4a')];
    await ffmpeg(...inputs, '-map', '0:v', '-map', '1:a', '-c', 'copy', at('late-picture.mp4'));
    const { presentation, joined } = await packageFilm('late-picture.mp4');
    const [video, audio] = presentation.tracks.map(({ segments }) => segments);
    expect(video?.[0]?.startSeconds).toBeCloseTo(0.5, 1);
    expect(audio).toHaveLength(video?.length ?? 0);
    expect(audio?.[0]?.startSeconds).toBeLessThan(0.1);
    await expectSamePackets('late-picture.mp4', await joined('source-a1'), 'audio');
  });

  it('variable frame rate keeps the time of every picture', async () => {
    const drop = ['-vf', "select='mod(n,7)*mod(n,11)'", '-fps_mode', 'vfr'];
    await ffmpeg(...PICTURE, ...drop, ...H264, at('vfr.mp4'));
    const { presentation, joined } = await packageFilm('vfr.mp4');
    expectContiguous(presentation);
    await expectSamePackets('vfr.mp4', await joined('source-v1'), 'video');
  });

  it('a rotated film is announced as it is displayed and keeps its matrix', async () => {
    await ffmpeg('-i', at('faststart.mp4'), '-c', 'copy', '-metadata:s:v:0', 'rotate=90', at('rotated.mov'));
    const { presentation, joined } = await packageFilm('rotated.mov');
    expect(presentation.tracks[0]).toMatchObject({ width: 180, height: 320 });
    expect(await decodedPictures(await joined('source-v1'))).toBe(await decodedPictures(at('rotated.mov')));
  });

  it('key pictures 15 s apart make segments that long, and the sound follows them', async () => {
    await ffmpeg(
      '-i',
      at('faststart.mp4'),
      ...H264,
      '-g',
      '375',
      '-sc_threshold',
      '0',
      '-c:a',
      'copy',
      at('sparse.mp4'),
    );
    const { presentation } = await packageFilm('sparse.mp4');
    expectContiguous(presentation);
    for (const { segments } of presentation.tracks) {
      expect(segments.map(({ startSeconds }) => Math.round(startSeconds))).toEqual([0, 15]);
    }
  });

  it('a tail shorter than a second joins the segment before it', async () => {
    await ffmpeg('-t', '6.48', '-i', at('silent.mp4'), ...H264, '-force_key_frames', '6', at('tail-merge.mp4'));
    const { presentation } = await packageFilm('tail-merge.mp4');
    expect(presentation.tracks[0]?.segments).toHaveLength(1);
    expect(presentation.durationSeconds).toBeCloseTo(6.48, 1);
  });

  it('every sound track is a track of its own, with language and a name of its own', async () => {
    const labels = [
      '-metadata:s:a:0',
      'language=deu',
      '-metadata:s:a:1',
      'language=eng',
      '-metadata:s:a:2',
      'language=eng',
    ];
    const maps = ['-map', '0:v', '-map', '0:a', '-map', '0:a', '-map', '0:a'];
    await ffmpeg('-i', at('faststart.mp4'), ...maps, '-c', 'copy', ...labels, at('languages.mkv'));
    const { presentation, joined } = await packageFilm('languages.mkv');
    expect(presentation.tracks.slice(1).map(({ id, language, name }) => ({ id, language, name }))).toEqual([
      { id: 'source-a1', language: 'de', name: 'German' },
      { id: 'source-a2', language: 'en', name: 'English' },
      { id: 'source-a3', language: 'en', name: 'English (2)' },
    ]);
    await expectSamePackets('languages.mkv', await joined('source-a3'), 'audio', 2);
  });

  it('a film that begins with what was trimmed away is not packaged, for no protocol', async () => {
    await ffmpeg('-ss', '1.3', '-i', at('faststart.mp4'), '-c', 'copy', at('trimmed.mp4'));
    const packets = await listPackets(at('trimmed.mp4'), 'video');
    expect(Math.min(...packets.map(({ timestamp }) => timestamp))).toBeLessThan(-1);
    const asset = assetOf({ source: at('trimmed.mp4') });
    const { packager } = counted;
    const hidden = { code: 'hidden-part' };
    await expect(packager.presentation(asset)).rejects.toMatchObject(hidden);
    await expect(packager.initSegment(asset, 'source-v1')).rejects.toMatchObject(hidden);
    await expect(packager.segment(asset, 'source-v1', 1)).rejects.toMatchObject(hidden);
    await expect(packager.streamOutline(asset)).rejects.toMatchObject(hidden);
    await expect(packager.packetRun(asset, 0)).rejects.toMatchObject(hidden);
  });

  it('HEVC with open groups is announced as hvc1, not as independent, and decodes as the source', async () => {
    const x265 = [
      '-c:v',
      'libx265',
      '-preset',
      'ultrafast',
      '-x265-params',
      'log-level=error:open-gop=1:keyint=50:bframes=3',
    ];
    await ffmpeg('-t', '14', '-i', at('silent.mp4'), ...x265, at('hevc.mp4'));
    const { presentation, joined } = await packageFilm('hevc.mp4');
    expectContiguous(presentation);
    expect(presentation.tracks[0]?.codec).toMatch(/^hvc1\./);
    expect(presentation.tracks[0]?.independent).toBe(false);
    const video = await joined('source-v1');
    await expectSamePackets('hevc.mp4', video, 'video');
    expect(await decodedPictures(video)).toBe(await decodedPictures(at('hevc.mp4')));
  });

  it('VP9 and Opus are packaged under their registered codec names', async () => {
    const vp9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '50', '-c:a', 'libopus'];
    await ffmpeg('-t', '8', '-i', at('faststart.mp4'), '-vf', 'scale=160:90', ...vp9, at('film.webm'));
    const { presentation, joined } = await packageFilm('film.webm');
    expect(presentation.tracks.map(({ codec }) => codec)).toEqual([expect.stringMatching(/^vp09\./), 'Opus']);
    expect(await decodedPictures(await joined('source-v1'))).toBe(await decodedPictures(at('film.webm')));
  });

  it('renditions are cut at the same times as the first one', async () => {
    const rung = [...H264, '-g', '25', '-vf', 'scale=160:90', '-an'];
    await ffmpeg('-i', at('sparse.mp4'), ...rung, '-force_key_frames', '15', at('rung.mp4'));
    const asset = assetOf({ source: at('sparse.mp4'), '90p': at('rung.mp4') });
    const { tracks } = await counted.packager.presentation(asset);
    expect(tracks.map(({ id }) => id)).toEqual(['source-v1', 'source-a1', '90p-v1']);
    expect(tracks[2]?.segments.map(({ startSeconds }) => startSeconds)).toEqual([0, 15]);
    expect(await counted.packager.segment(asset, '90p-v1', 2)).not.toBeNull();
  });

  it('a truncated film is unreadable, not short', async () => {
    const whole = await readFile(at('faststart.mp4'));
    await writeFile(at('truncated.mp4'), whole.subarray(0, whole.length >> 1));
    await expect(packageFilm('truncated.mp4')).rejects.toMatchObject({ code: 'asset-unreadable' });
  });

  it.each([
    ['ProRes picture', 'prores.mov', ['-t', '1', '-c:v', 'prores_ks', '-c:a', 'copy']],
    ['PCM sound alone', 'pcm.wav', ['-t', '1', '-vn', '-c:a', 'pcm_s16le']],
  ])('%s needs a transcode', async (_, name, codec) => {
    await ffmpeg('-i', at('faststart.mp4'), ...codec, at(name));
    await expect(packageFilm(name)).rejects.toMatchObject({ code: 'unsupported-codec' });
  });

  it('an HLS playlist is no film, whatever it names', async () => {
    await writeFile(at('list.mp4'), '#EXTM3U\n#EXT-X-TARGETDURATION:20\n#EXTINF:20,\nfilm.ts\n#EXT-X-ENDLIST\n');
    await expect(packageFilm('list.mp4')).rejects.toMatchObject({ code: 'asset-unreadable' });
  });
});
