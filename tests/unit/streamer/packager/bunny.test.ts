import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trackIdSchema } from '../../../../server/contracts';
import {
  assetOf,
  BUNNY,
  BUNNY_SECONDS,
  type Counted,
  countingPackager,
  countPackets,
  decodedPictures,
  hasFfmpeg,
  joinTrack,
  listPackets,
  makeScratch,
} from './film-fixture';

const asset = assetOf({ source: BUNNY });
let scratch: Awaited<ReturnType<typeof makeScratch>>;
let counted: Counted;

beforeAll(async () => {
  scratch = await makeScratch();
  counted = countingPackager(scratch.directory);
});

afterAll(async () => {
  await counted.packager.close();
  await scratch.remove();
});

describe('a real film', { timeout: 60_000 }, () => {
  it('is announced as one picture and one sound track whose ids fit the delivery addresses', async () => {
    const { tracks } = await counted.packager.presentation(asset);
    expect(tracks.map(({ id, codec, mime }) => ({ id, codec, mime }))).toEqual([
      { id: 'source-v1', codec: 'avc1.640028', mime: 'video/mp4' },
      { id: 'source-a1', codec: 'mp4a.40.2', mime: 'audio/mp4' },
    ]);
    for (const { id } of tracks) expect(trackIdSchema.safeParse(id).success).toBe(true);
    expect(tracks[0]).toMatchObject({ width: 1920, height: 1080, frameRate: 24, independent: true });
    expect(tracks[1]).toMatchObject({ channels: 6, sampleRate: 48000 });
  });

  it('has contiguous segments that start at 0 and add up to its duration', async () => {
    const { durationSeconds, tracks } = await counted.packager.presentation(asset);
    expect(durationSeconds).toBeCloseTo(BUNNY_SECONDS, 6);
    for (const { segments } of tracks) {
      let expected = 0;
      for (const { startSeconds, durationSeconds: length } of segments) {
        expect(startSeconds).toBeCloseTo(expected, 6);
        expected = startSeconds + length;
      }
      expect(expected).toBeCloseTo(BUNNY_SECONDS, 6);
    }
  });

  it('is cut at key pictures 6 s apart or more, and its sound at the first packet from there', async () => {
    const { tracks } = await counted.packager.presentation(asset);
    const [video, audio] = tracks.map(({ segments }) => segments);
    for (const { durationSeconds } of video?.slice(0, -1) ?? []) expect(durationSeconds).toBeGreaterThanOrEqual(6);
    expect(audio).toHaveLength(video?.length ?? 0);
    for (const [index, { startSeconds }] of (audio ?? []).entries()) {
      const picture = video?.[index]?.startSeconds ?? Number.NaN;
      expect(startSeconds).toBeGreaterThanOrEqual(picture - 1e-6);
      expect(startSeconds).toBeLessThan(picture + 1024 / 48000 + 1e-6);
    }
  });

  it('announces a bandwidth that no segment exceeds and that is not twice what the largest needs', async () => {
    const { tracks } = await counted.packager.presentation(asset);
    for (const { id, bandwidth, averageBandwidth, segments } of tracks) {
      const rates = [];
      for (const [index, { durationSeconds }] of segments.entries()) {
        const segment = await counted.packager.segment(asset, id, index + 1);
        rates.push(((segment?.bytes.length ?? 0) * 8) / durationSeconds);
      }
      expect(bandwidth).toBeGreaterThanOrEqual(Math.max(...rates));
      expect(bandwidth).toBeLessThan(2 * Math.max(...rates));
      expect(averageBandwidth).toBeLessThanOrEqual(bandwidth);
    }
  });

  it('keeps every packet of both tracks at its time', async () => {
    for (const [kind, id] of [
      ['video', 'source-v1'],
      ['audio', 'source-a1'],
    ] as const) {
      const joined = join(scratch.directory, `${id}.mp4`);
      await joinTrack(counted.packager, asset, id, joined);
      const source = (await listPackets(BUNNY, kind)).filter(({ timestamp }) => timestamp >= 0);
      const cut = await listPackets(joined, kind);
      expect(cut.map(({ byteLength }) => byteLength)).toEqual(source.map(({ byteLength }) => byteLength));
      for (const [index, { timestamp }] of cut.entries()) {
        expect(Math.abs(timestamp - (source[index]?.timestamp ?? Number.NaN))).toBeLessThan(2e-5);
      }
    }
  });

  it.skipIf(!hasFfmpeg)(
    'decodes from its segments to the same 720 pictures as the source (needs ffmpeg)',
    async () => {
      const joined = join(scratch.directory, 'pictures.mp4');
      await joinTrack(counted.packager, asset, 'source-v1', joined);
      expect(await countPackets(joined, 'v:0')).toBe(720);
      expect(await decodedPictures(joined)).toBe(await decodedPictures(BUNNY));
    },
    // Two decodes of 720 pictures in 1080p.
    240_000,
  );

  it('answers null for a track or number that does not exist', async () => {
    const { packager } = counted;
    const count = (await packager.presentation(asset)).tracks[0]?.segments.length ?? 0;
    expect(await packager.initSegment(asset, 'source-v2')).toBeNull();
    expect(await packager.segment(asset, 'other-v1', 1)).toBeNull();
    for (const number of [0, -1, 1.5, Number.NaN, count + 1]) {
      expect(await packager.segment(asset, 'source-v1', number)).toBeNull();
    }
  });

  it('gives different segments different validators and tells their length in seconds', async () => {
    const { packager } = counted;
    const first = await packager.segment(asset, 'source-v1', 1);
    const second = await packager.segment(asset, 'source-v1', 2);
    expect(first?.etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(first?.etag).not.toBe(second?.etag);
    expect(first?.durationSeconds).toBeCloseTo(10.416667, 5);
    expect((await packager.initSegment(asset, 'source-v1'))?.durationSeconds).toBe(0);
  });
});

describe('S19 an init segment', () => {
  it.each(['source-v1', 'source-a1'])('of %s does not tell when it was written', async (track) => {
    const init = await counted.packager.initSegment(asset, track);
    for (const box of ['mvhd', 'tkhd', 'mdhd']) {
      const body = (init?.bytes.indexOf(box) ?? -1) + 4;
      expect(body).toBeGreaterThan(3);
      expect([box, init?.bytes.readUInt32BE(body + 4), init?.bytes.readUInt32BE(body + 8)]).toEqual([box, 0, 0]);
    }
  });
});
