import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playDash } from '../clients/dash.mjs';
import { countVideoFrames } from '../clients/frames.mjs';
import { playHls } from '../clients/hls.mjs';
import { playProgressive } from '../clients/progressive.mjs';
import { CLIP, publishVideo, uploadFilm } from '../support/films';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { FFMPEG, frameHashes } from '../support/tools';

let site: PlaybackSite;
let video: string;

beforeAll(async () => {
  site = await startPlaybackSite();
  const source = (await uploadFilm(site.app, site.editor)).id;
  video = await publishVideo(site.app, site.editor, { source, allowedRoles: ['subscriber'] });
});

afterAll(() => site.app.stop());

const urls = async () => {
  const minted = await mint(site.app, video, site.viewer.jwt);
  return minted.urls as { hls: string; dash: string; mp4: string; download: string };
};

describe('Big Buck Bunny, through the address that the token endpoint answers', () => {
  describe.skipIf(!FFMPEG)('read to its end by ffmpeg', () => {
    let source: string[];
    beforeAll(async () => {
      source = await frameHashes(CLIP);
    });

    it.each(['hls', 'dash', 'mp4', 'download'] as const)(
      '%s gives 720 of 720 frames, each identical to the source’s',
      async (protocol) => {
        const played = await frameHashes((await urls())[protocol]);
        expect(played).toHaveLength(720);
        expect(played).toEqual(source);
      },
    );
  });

  it('HLS: every segment of every track, 720 video frames', async () => {
    const counts = await Promise.all((await playHls((await urls()).hls)).map(({ bytes }) => countVideoFrames(bytes)));
    expect(counts.sort((a, b) => b - a)[0]).toBe(720);
  });

  it('DASH: every segment of every representation, 720 video frames', async () => {
    const counts = await Promise.all((await playDash((await urls()).dash)).map(({ bytes }) => countVideoFrames(bytes)));
    expect(counts.sort((a, b) => b - a)[0]).toBe(720);
  });

  it.each(['mp4', 'download'] as const)('/%s by ranges gives the uploaded bytes', async (protocol) => {
    const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const played = await playProgressive((await urls())[protocol]);
    expect(sha256(played)).toBe(sha256(await readFile(CLIP)));
  });

  it('a download carries the original file name', async () => {
    const response = await fetch((await urls()).download, { headers: { range: 'bytes=0-0' } });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="?video\.mp4/);
  });
});
