import { describe, expect, it } from 'vitest';
import { RtmpClient } from '../clients/rtmp.mjs';
import { describeDeployment, describeLogs } from '../support/deployment-rules';
import { describeSlowReader, describeWholeSite } from '../support/front-rules';
import { startHaproxy } from '../support/front-servers';
import { mint } from '../support/minting';
import { FFMPEG, ffmpeg, HAPROXY } from '../support/tools';

describe.skipIf(!HAPROXY)('HAProxy', () => {
  const deployed = describeDeployment(startHaproxy, { env: { PROTECTED_VOD_RTMP_PROXY_PROTOCOL: 'true' } });
  describeWholeSite(deployed);
  describeSlowReader(deployed, 12);

  it.skipIf(!FFMPEG)('RTMPS ends at HAProxy and plays from whichever streamer', async () => {
    const { site, front } = deployed();
    for (let turn = 0; turn < 2; turn += 1) {
      const { token } = await mint(site.app, site.video, site.viewer.jwt);
      const url = `rtmps://127.0.0.1:${front.rtmpPort}/vod/${site.video}?token=${token}`;
      const report = await ffmpeg('-i', url, '-map', '0:v', '-c', 'copy', '-frames:v', '50', '-f', 'framemd5', '-');
      expect(report.split('\n').filter((line) => /^0,/.test(line))).toHaveLength(50);
    }
    const forged = `rtmps://127.0.0.1:${front.rtmpPort}/vod/${site.video}?token=garbage`;
    await expect(ffmpeg('-i', forged, '-frames:v', '1', '-f', 'null', '-')).rejects.toThrow();
  });

  it('S11 viewers of RTMP are told apart by their own addresses, not by HAProxy’s', async () => {
    const { site, front } = deployed();
    const { token } = await mint(site.app, site.video, site.viewer.jwt);
    async function play(from: string, flashVer: string): Promise<RtmpClient> {
      const client = await RtmpClient.connect({ port: front.rtmpPort, from, tls: { rejectUnauthorized: false } });
      await client.openApp('vod', { flashVer });
      client.play(await client.createStream(), `${site.video}?token=${token}`);
      return client;
    }
    const viewer = await play('127.0.7.1', 'VIEWER 1');
    await viewer.until(() => viewer.pictures().length > 10, 'pictures');
    const stranger = await play('127.0.8.1', 'STRANGER 1');
    await stranger.heard('NetStream.Play.Failed');
    expect(stranger.media()).toEqual([]);
    viewer.close();
    stranger.close();
  });

  describeLogs(deployed);
});
