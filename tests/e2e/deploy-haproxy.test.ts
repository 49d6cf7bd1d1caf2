import { describe, expect, it } from 'vitest';
import { describeDeployment, describeLogs } from '../support/deployment-rules';
import { describeSlowReader, describeWholeSite } from '../support/front-rules';
import { startHaproxy } from '../support/front-servers';
import { mint } from '../support/minting';
import { FFMPEG, ffmpeg, HAPROXY } from '../support/tools';

describe.skipIf(!HAPROXY)('HAProxy', () => {
  const deployed = describeDeployment(startHaproxy);
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

  describeLogs(deployed);
});
