import { access, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_PICTURE_BYTES } from '../../../../server/contracts';
import { deliverOutput } from '../../../../streamer/src/ingest/output';
import { clip } from '../../../support/clips';
import { FFMPEG, ffmpeg } from '../../../support/tools';

const PAGE = '<!doctype html><script>alert(1)</script>';
const PLAYLIST = '#EXTM3U\n#EXTINF:10,\nhttps://example.org/1.ts\n';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-output-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Delivers bytes under a name; resolves to what is told of them. */
async function deliver(name: string, bytes: string | Buffer) {
  await writeFile(path.join(directory, 'made'), bytes);
  return deliverOutput(name, path.join(directory, 'made'), path.join(directory, 'placed'));
}

async function expectRefused(name: string, bytes: string | Buffer) {
  await rm(path.join(directory, 'placed'), { force: true });
  await expect(deliver(name, bytes)).rejects.toMatchObject({ reason: 'output-invalid' });
  await expect(access(path.join(directory, 'placed'))).rejects.toThrow();
}

describe('what a tool has made', () => {
  it.each(['poster.jpg', 'storyboard.vtt', 'rung.mp4', 'waveform.json', 'page.html', 'list.m3u8', 'none.bin'])(
    'S24 is not placed as %s if it is a page, a playlist or nothing',
    async (name) => {
      for (const bytes of [PAGE, PLAYLIST, '', '\0']) await expectRefused(name, bytes);
    },
  );

  it.skipIf(!FFMPEG)('is placed as JPEG if it is one to its last byte', async () => {
    const file = path.join(directory, 'real.jpg');
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=640x360', '-frames:v', '1', '-f', 'mjpeg', file);
    const real = await readFile(file);
    expect(await deliver('poster.jpg', real)).toMatchObject({ name: 'poster.jpg', sizeBytes: real.length });
    await expectRefused('poster.jpg', Buffer.concat([real, Buffer.from(PAGE)]));
    await expectRefused('poster.jpg', real.subarray(0, real.length - 2));
    await expectRefused('poster.jpg', real.subarray(0, real.length / 2));
    await expectRefused('poster.jpg', Buffer.concat([real.subarray(0, 2), Buffer.from(PAGE), real.subarray(2)]));
    // Begins and ends as one, with nothing between that could be shown.
    await expectRefused('poster.jpg', Buffer.from('ffd8ffd9', 'hex'));
  });

  it('is placed as WebVTT if it begins like that, and is text', async () => {
    await deliver('storyboard.vtt', 'WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na\n');
    await deliver('storyboard.vtt', 'WEBVTT - a title\n');
    for (const wrong of ['WEBVTTX\n', ' WEBVTT\n', 'WEBVTT\n\0', Buffer.from([...Buffer.from('WEBVTT\n'), 0xff])]) {
      await expectRefused('storyboard.vtt', wrong);
    }
  });

  it('is placed as MP4 if its boxes are those of one, to its last byte', async () => {
    await deliver('rung.mp4', clip());
    await expectRefused('rung.mp4', clip().subarray(0, -1));
    await expectRefused('rung.mp4', Buffer.concat([clip(), Buffer.from(PAGE)]));
    await expectRefused('rung.mp4', Buffer.from('\0\0\0\x10ftypisom\0\0\0\0', 'latin1'));
  });

  it('T24 is not placed if it is larger than a picture may be, nor through a link', async () => {
    await expectRefused('storyboard.vtt', `WEBVTT\n${'a'.repeat(MAX_PICTURE_BYTES)}`);
    await writeFile(path.join(directory, 'secret'), 'WEBVTT\n');
    await symlink(path.join(directory, 'secret'), path.join(directory, 'link'));
    await expect(
      deliverOutput('storyboard.vtt', path.join(directory, 'link'), path.join(directory, 'placed')),
    ).rejects.toMatchObject({ reason: 'output-invalid' });
  });
});
