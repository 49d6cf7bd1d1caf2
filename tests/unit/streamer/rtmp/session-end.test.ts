import { afterEach, describe, expect, it } from 'vitest';
import { RtmpClient } from '../../../clients/rtmp.mjs';
import { until } from '../../../support/until';
import { drawnPackager, type Stage, startStage } from './stage';

let stage: Stage;
afterEach(() => stage.stop());

async function playing(token: string): Promise<RtmpClient> {
  const client = await RtmpClient.open(stage.rtmpUrl(token));
  await client.until(() => client.pictures().length > 10, 'pictures');
  return client;
}

/** Whether the system tells a reset or an end is up to it; that it came before the end of the film is ours. */
async function expectCut(client: RtmpClient): Promise<void> {
  await client.closed;
  expect(client.statuses()).not.toContain('NetStream.Play.Stop');
}

describe('S15 a running RTMP stream', () => {
  it('is cut off at once when its session ends', async () => {
    stage = await startStage();
    const token = await stage.plugin.mint({ protocols: ['rtmp'] });
    const client = await playing(token);
    stage.plugin.end(stage.plugin.sessionOf(token));
    await expectCut(client);
  });

  it('is cut off when its session ends while its viewer reads nothing', async () => {
    stage = await startStage({ show: drawnPackager({ bytesPerPicture: 200_000 }) });
    const token = await stage.plugin.mint({ protocols: ['rtmp'] });
    const client = await RtmpClient.open(stage.rtmpUrl(token));
    await client.until(() => client.pictures().length > 2, 'pictures');
    client.socket.pause();
    stage.plugin.end(stage.plugin.sessionOf(token));
    await until(
      'the connection is counted out',
      async () => (await stage.metric('protected_vod_continuous_streams')) === 0,
    );
    client.socket.resume();
    await client.closed;
    // Fifty seconds of film are 250 MB; what had left is what the sockets held.
    expect(client.receivedBytes).toBeLessThan(32 * 1024 * 1024);
  });

  it('is cut off when its lease is over and the plugin does not renew it', async () => {
    stage = await startStage();
    const token = await stage.plugin.mint({ protocols: ['rtmp'] });
    const client = await playing(token);
    stage.plugin.faults.renew = false;
    stage.advance(31);
    await expectCut(client);
  });

  it('is cut off when the grant no longer names the protocol', async () => {
    stage = await startStage();
    const client = await playing(await stage.plugin.mint({ protocols: ['rtmp'] }));
    stage.plugin.terms.protocols = ['hls'];
    await expectCut(client);
  });

  it('is cut off when its session ends after the film, while it waits for a replay', async () => {
    stage = await startStage();
    const token = await stage.plugin.mint({ protocols: ['rtmp'] });
    const client = await RtmpClient.open(stage.rtmpUrl(token), { startMs: 59_000 });
    await client.heard('NetStream.Play.Stop');
    stage.plugin.end(stage.plugin.sessionOf(token));
    await client.closed;
  });

  it('S13 gives its place back when it leaves: twenty in turn are as good as one', async () => {
    stage = await startStage();
    const token = await stage.plugin.mint({ protocols: ['rtmp'] });
    for (let count = 0; count < 20; count += 1) (await playing(token)).close();
  });

  it('S13 gives way to a newer one of its session', async () => {
    stage = await startStage();
    const token = await stage.plugin.mint({ protocols: ['rtmp'] });
    const first = await playing(token);
    const second = await playing(token);
    await expectCut(first);
    expect(second.socket.destroyed).toBe(false);
    second.close();
  });

  it('S13 is held back by the pace of its session', async () => {
    stage = await startStage();
    stage.plugin.terms.pace = { factor: 0.001, bufferSeconds: 3 };
    const client = await playing(await stage.plugin.mint({ protocols: ['rtmp'] }));
    await client.until(() => (client.pictures().at(-1)?.timestampMs ?? 0) >= 2_960, 'three seconds');
    client.say(1, 'seek', null, 18_000);
    await client.heard('NetStream.Seek.Notify');
    await client.until(() => client.messages.some(({ timestampMs }) => timestampMs === 18_000), 'the new place');
    expect(client.pictures().filter(({ timestampMs }) => timestampMs >= 18_000)).toEqual([]);
    client.close();
  });

  it('reports its bytes and media seconds', async () => {
    stage = await startStage();
    const client = await playing(await stage.plugin.mint({ protocols: ['rtmp'] }));
    const reported = () => stage.plugin.syncs.flatMap(({ sessions }) => sessions);
    await until('usage is reported', () =>
      reported().some(({ bytes, mediaSeconds }) => bytes > 50_000 && mediaSeconds > 0),
    );
    client.close();
  });
});
