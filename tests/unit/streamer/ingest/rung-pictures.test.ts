import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Converter, createConverter } from '../../../support/converted-film';
import { FFMPEG, ffmpeg } from '../../../support/tools';

const run = promisify(execFile);
const PICTURES = 25;
const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25:duration=1'];
const QUICK = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '12'];
const tags = (primaries: string, transfer: string, matrix: string) => [
  ...['-color_primaries', primaries, '-color_trc', transfer, '-colorspace', matrix],
];
const HDR = { PQ: 'smpte2084', HLG: 'arib-std-b67' };

describe.skipIf(!FFMPEG)('the picture of a rendition', () => {
  let directory: string;
  let converter: Converter;
  const at = (name: string) => path.join(directory, name);

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'rung-pictures-'));
    converter = await createConverter();
    const sdr = 'scale=out_color_matrix=bt709,format=yuv420p';
    await ffmpeg(...PICTURE, '-vf', sdr, ...QUICK, ...tags('bt709', 'bt709', 'bt709'), at('sdr.mp4'));
  });
  afterAll(async () => {
    await converter?.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function pictureOf(file: string): Promise<Record<string, string>> {
    const entries = 'stream=pix_fmt,width,height,nb_read_frames,color_primaries,color_transfer,color_space,color_range';
    const args = ['-v', 'error', '-select_streams', 'v:0', '-count_frames', '-show_entries', entries, '-of', 'json'];
    const { stdout } = await run('ffprobe', [...args, file]);
    const [picture] = (JSON.parse(stdout) as { streams: Record<string, string>[] }).streams;
    return picture ?? {};
  }

  /** Means over the film, of values that a filter notes with each picture. */
  async function means(file: string, filters: string, names: string[]): Promise<number[]> {
    const printed = await ffmpeg('-i', file, '-vf', `${filters},metadata=mode=print:file=-`, '-f', 'null', '-');
    return names.map((name) => {
      const values = [...printed.matchAll(new RegExp(`\\.${name}=([\\d.]+)$`, 'gm'))].map(([, value]) => Number(value));
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    });
  }

  describe('of an interlaced film', () => {
    const FIELDS = [
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=640x360:rate=50:duration=1',
      '-vf',
      'tinterlace=interleave_top',
    ];
    const isInterlaced = async (file: string) => {
      const printed = await ffmpeg('-i', file, '-vf', 'idet,metadata=mode=print:file=-', '-f', 'null', '-');
      const last = (name: string) =>
        Number([...printed.matchAll(new RegExp(`idet\\.multiple\\.${name}=([\\d.]+)`, 'g'))].at(-1)?.[1]);
      return last('tff') + last('bff') > last('progressive');
    };

    it.each([
      ['a receiver (MPEG-2)', 'receiver.ts', ['-c:v', 'mpeg2video', '-q:v', '2', '-flags', '+ildct+ilme']],
      ['a camera (H.264)', 'camera.mp4', [...QUICK, '-flags', '+ildct+ilme', '-x264-params', 'tff=1']],
    ])('%s: is progressive, one picture for each', async (_, name, coding) => {
      await ffmpeg(...FIELDS, ...coding, '-pix_fmt', 'yuv420p', at(name));
      expect(await isInterlaced(at(name))).toBe(true);
      const { file } = await converter.convert(at(name), { height: 360 });
      expect(await isInterlaced(file)).toBe(false);
      expect((await pictureOf(file)).nb_read_frames).toBe(String(PICTURES));
    });
  });

  describe.each(Object.entries(HDR))('of an HDR film (%s)', (name, transfer) => {
    const film = () => at(`${name}.mp4`);

    beforeAll(async () => {
      const filters = [
        'zscale=t=linear:npl=203,format=gbrpf32le',
        `zscale=t=${transfer}:p=bt2020:m=bt2020nc:npl=203,format=yuv420p10le`,
      ];
      const coding = [...QUICK, ...tags('bt2020', transfer, 'bt2020nc')];
      await ffmpeg('-i', at('sdr.mp4'), '-vf', filters.join(','), ...coding, film());
    });

    it('is SDR with the colours of the film, and says so', async () => {
      const { file, notes } = await converter.convert(film(), { height: 360 });
      expect(notes).toEqual([]);
      expect(await pictureOf(file)).toMatchObject({
        ...{ width: 640, height: 360, pix_fmt: 'yuv420p', nb_read_frames: String(PICTURES) },
        ...{ color_primaries: 'bt709', color_transfer: 'bt709', color_space: 'bt709' },
      });
      const names = ['YAVG', 'UAVG', 'VAVG', 'SATAVG'];
      const [sdr, made] = [await means(at('sdr.mp4'), 'signalstats', names), await means(file, 'signalstats', names)];
      const pale = await means(film(), 'format=yuv420p,signalstats', names);
      const distances = names.map((_, index) => Math.abs((made[index] ?? 0) - (sdr[index] ?? 0)));
      expect(Math.max(...distances)).toBeLessThan(16);
      // It would be seen here.
      expect((sdr[3] ?? 0) - (pale[3] ?? 0)).toBeGreaterThan(50);
    });
  });

  it('of an HDR film is made all the same where ffmpeg has no zscale, and administrators are told', async () => {
    const lesser = at('ffmpeg');
    const script = `#!/bin/sh\ncase " $* " in *" -filters "*) ${FFMPEG} "$@" | grep -v zscale; exit;; esac\nexec ${FFMPEG} "$@"\n`;
    await writeFile(lesser, script);
    await chmod(lesser, 0o755);
    const { file, notes } = await converter.convert(at('HLG.mp4'), { height: 360, ffmpeg: lesser });
    expect(notes).toEqual(['hdr-not-toned']);
    expect(await pictureOf(file)).toMatchObject({ pix_fmt: 'yuv420p', nb_read_frames: String(PICTURES) });
  });

  it('of a film whose colours ffmpeg cannot tell is made as SDR, and administrators are told', async () => {
    const lesser = at('colourless');
    await writeFile(lesser, `#!/bin/sh\ncase " $* " in *" matroska "*) exit 1;; esac\nexec ${FFMPEG} "$@"\n`);
    await chmod(lesser, 0o755);
    const { notes } = await converter.convert(at('sdr.mp4'), { height: 90, ffmpeg: lesser });
    expect(notes).toEqual(['colours-unknown']);
  });

  it('of a film that does not say when its pictures are shown is no such film', async () => {
    await ffmpeg(...PICTURE, '-c:v', 'mpeg4', '-bf', '2', '-s', '64x36', at('untimed.avi'));
    expect((await converter.convert(at('untimed.avi'), { height: 36 })).notes).toEqual([]);
  });

  describe('says what its colours are', () => {
    it('as the film does', async () => {
      const { file } = await converter.convert(at('sdr.mp4'), { height: 180 });
      expect(await pictureOf(file)).toMatchObject({ color_primaries: 'bt709', color_space: 'bt709' });
    });

    it.each([
      ['of high definition', '1280x720', 'bt709'],
      ['of standard definition', '640x360', 'smpte170m'],
    ])('as players take them for, where a film %s does not', async (_, size, colours) => {
      const name = `untold-${size}.mp4`;
      await ffmpeg(
        '-f',
        'lavfi',
        '-i',
        `testsrc2=size=${size}:rate=25:duration=1`,
        ...QUICK,
        '-pix_fmt',
        'yuv420p',
        at(name),
      );
      expect(await pictureOf(at(name))).not.toHaveProperty('color_space');
      const { file } = await converter.convert(at(name), { height: 180 });
      expect(await pictureOf(file)).toMatchObject({ color_primaries: colours, color_space: colours });
      const names = ['YAVG', 'UAVG', 'VAVG'];
      const [told, made] = [await means(at(name), 'signalstats', names), await means(file, 'signalstats', names)];
      for (const [index, mean] of told.entries()) expect(Math.abs((made[index] ?? 0) - mean)).toBeLessThan(2);
    });

    it('of RGB: the same colours as before', async () => {
      await ffmpeg(...PICTURE, '-c:v', 'rawvideo', '-pix_fmt', 'bgr24', at('screen.avi'));
      const { file } = await converter.convert(at('screen.avi'), { height: 360 });
      expect(await pictureOf(file)).toMatchObject({ color_space: 'smpte170m' });
      const rgb = 'format=rgb24,split[a][b];[a]extractplanes=r[r];[b]extractplanes=b[b2];[r][b2]hstack,signalstats';
      const [before = 0] = await means(at('screen.avi'), rgb, ['YAVG']);
      const [after = 0] = await means(file, rgb, ['YAVG']);
      expect(Math.abs(before - after)).toBeLessThan(2);
    });
  });
});
