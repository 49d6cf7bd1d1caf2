import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeChaos, runChaos } from '../bench/failover/chaos';
import { answers } from '../support/database-servers.mjs';
import { publishVideo, uploadFilm } from '../support/films';
import { hashOf } from '../support/internal';
import { mint } from '../support/minting';
import { readPaced } from '../support/paced-reader';
import { rawRequest } from '../support/raw-request';
import { type SeveralNodes, startSeveralNodes } from '../support/several-nodes';
import { FFMPEG, NGINX } from '../support/tools';
import { until } from '../support/until';

const SESSION = 'plugin::protected-vod.playback-session';
/** Where a reader comes from that names no address of its own. */
const HOME = '127.0.0.1';
const AWAY = '127.2.2.2';
const CAN_FAIL_OVER = FFMPEG !== null && NGINX !== null && (await answers('postgres'));

describe('S12 a client that moves to another network and reaches another streamer', () => {
  let nodes: SeveralNodes;
  let video: string;

  beforeAll(async () => {
    nodes = await startSeveralNodes({ streamerCount: 2 });
    video = await publishVideo(nodes.app, nodes.editor, { source: (await uploadFilm(nodes.app, nodes.editor)).id });
  });
  afterAll(() => nodes.stop());

  const through = (at: number) => nodes.streamers[at]?.url ?? '';

  const ask = async (at: number, address: string, from: string, agent = 'paced'): Promise<number> => {
    const headers = { 'user-agent': agent, range: 'bytes=0-0' };
    return (await rawRequest(through(at) + address, { from, headers })).status;
  };

  it('is served there only when it is no longer served here, and its running response is cut', async () => {
    const { token } = await mint(nodes.app, video, nodes.viewer.jwt);
    const opened = await rawRequest(`${through(0)}/v/${token}/mp4`, { from: HOME, headers: { 'user-agent': 'paced' } });
    const address = new URL(opened.headers.location ?? '', `${through(0)}/v/${token}/mp4`).pathname;
    const reader = readPaced([through(0) + address], 200_000);
    await until('the old network is served', () => reader.bytes() > 0);
    await until('the new network is served', async () => (await ask(1, address, AWAY)) === 206);
    // Another user agent does not take over again by asking.
    expect(await ask(0, address, HOME, 'somebody else')).toBe(403);
    await reader.cutOff;
    const row = await nodes.app.strapi.db
      .query(SESSION)
      .findOne({ where: { sessionHash: hashOf(address.split('/')[2] ?? '') } });
    expect(row).toMatchObject({ clientPrefix: '127.2.2.0/24', generation: 1, state: 'active' });
    expect(await ask(0, address, AWAY)).toBe(206);
  });
});

if (CAN_FAIL_OVER) {
  describe('two Strapi and three streamers behind nginx, killed one after another', () => {
    it('interrupt no viewer for more than 5 s, let nobody else in, and revive no session', async () => {
      const figures = await runChaos({ viewerCount: 40, endedCount: 4, seconds: 45 });
      console.log(describeChaos(figures));
      expect(figures.kills.length).toBeGreaterThanOrEqual(2);
      expect(figures.lost).toBe(0);
      expect(figures.breaches).toBe(0);
      expect(figures.takeOvers).toBe(0);
      expect(figures.revived).toBe(0);
    }, 400_000);
  });
}
