import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishVideo, uploadFilm } from '../support/films';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { rawRequest } from '../support/raw-request';

const CLIENTS = 1000;

let site: PlaybackSite;

beforeAll(async () => {
  site = await startPlaybackSite();
});

afterAll(() => site.app.stop());

describe('one token, redeemed by 1,000 clients at once', () => {
  it('opens one session; 999 are refused and told no address', async () => {
    const source = (await uploadFilm(site.app, site.editor)).id;
    const video = await publishVideo(site.app, site.editor, { source });
    const { token } = await mint(site.app, video, site.viewer.jwt);
    const answers = await Promise.all(
      Array.from({ length: CLIENTS }, (_, at) =>
        rawRequest(`${site.streamerUrl()}/v/${token}/hls/main.m3u8`, {
          from: `127.${1 + (at >> 8)}.${at & 255}.1`,
          headers: { 'user-agent': `client ${at}` },
        }),
      ),
    );
    const served = answers.filter(({ status }) => status < 400);
    const refused = answers.filter(({ status, headers }) => [403, 503].includes(status) && !headers.location);
    console.log(`${served.length} served, ${refused.length} refused`);
    expect(served.map(({ status }) => status)).toEqual([302]);
    expect(refused).toHaveLength(CLIENTS - 1);
    expect(await site.app.strapi.db.query('plugin::protected-vod.playback-session').count()).toBe(1);
  });
});
