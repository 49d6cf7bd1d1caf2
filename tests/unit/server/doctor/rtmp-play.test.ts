import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { playsOverRtmp } from '../../../../server/src/services/doctor/leaks/rtmp-play';
import { freePort } from '../../../support/free-port';
import { type Stage, startStage } from '../../streamer/rtmp/stage';

let stage: Stage | null = null;

afterEach(() => stage?.stop());

describe('the doctor over RTMP', () => {
  it('sees that a film plays with a token, and does not without', async () => {
    stage = await startStage();
    const base = `rtmp://127.0.0.1:${stage.rtmpPort}`;
    const token = await stage.plugin.mint({ protocols: ['rtmp'] });
    expect(await playsOverRtmp(base, `video1?token=${token}`)).toBe(true);
    expect(await playsOverRtmp(base, 'video1')).toBe(false);
    expect(await playsOverRtmp(base, `video1?token=${token.slice(0, -4)}AAAA`)).toBe(false);
  });

  it('tells where nothing answers', async () => {
    await expect(playsOverRtmp(`rtmp://127.0.0.1:${await freePort()}`, 'video1')).rejects.toThrow();
    const mute = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as net.AddressInfo;
    await expect(playsOverRtmp(`rtmp://127.0.0.1:${port}`, 'video1')).rejects.toThrow('without a word');
    mute.close();
  });
});
