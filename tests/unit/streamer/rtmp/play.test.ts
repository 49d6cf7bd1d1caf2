import { afterEach, describe, expect, it } from 'vitest';
import { RtmpClient } from '../../../clients/rtmp.mjs';
import { until } from '../../../support/until';
import { drawnPackager, GOP_MS, type Stage, startStage } from './stage';

let stage: Stage;
const clients: RtmpClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await stage.stop();
});

async function playing(options: { startMs?: number } = {}): Promise<RtmpClient> {
  const client = await stage.play(options);
  clients.push(client);
  await client.heard('NetStream.Play.Start');
  await client.until(() => client.pictures().length > 10, 'pictures');
  return client;
}

/** What arrived since `from`. */
const timesSince = (client: RtmpClient, from: number) =>
  client.messages
    .slice(from)
    .filter(({ type, body }) => type === 9 && body[1] === 1)
    .map(({ timestampMs }) => timestampMs);

describe('RTMP plays', () => {
  it('from the start: metadata, both configurations, then packets with their own times on the stream that asked', async () => {
    stage = await startStage();
    const client = await playing();
    expect(client.statuses()).toEqual(['NetStream.Play.Reset', 'NetStream.Play.Start']);
    const from = client.messages.findIndex(({ values }) => values?.[0] === 'onMetaData');
    const [metadata, picture, sound, ...rest] = client.messages.slice(from);
    expect(metadata?.values?.[1]).toMatchObject({ duration: 60, width: 640, height: 360, videocodecid: 7 });
    expect(picture?.body).toEqual(Buffer.from([0x17, 0, 0, 0, 0, 1, 100, 0, 31]));
    expect(sound?.body).toEqual(Buffer.from([0xaf, 0, 0x12, 0x10]));
    expect(rest[0]).toMatchObject({ type: 9, timestampMs: 0 });
    expect(rest[0]?.body.subarray(0, 5)).toEqual(Buffer.from([0x17, 1, 0, 0, 0]));
    // The second picture is shown 40 ms after it is decoded.
    expect(client.pictures()[1]?.body.subarray(0, 5)).toEqual(Buffer.from([0x27, 1, 0, 0, 40]));
    expect(client.pictures().map(({ timestampMs }) => timestampMs / 40)).toEqual(
      client.pictures().map((_picture, index) => index),
    );
    expect(new Set([metadata, picture, sound, ...rest].map((message) => message?.streamId))).toEqual(new Set([1]));
  });

  it('some seconds ahead of real time, and no further', async () => {
    stage = await startStage();
    const askedAt = performance.now();
    const client = await playing();
    const lastMs = () => client.pictures().at(-1)?.timestampMs ?? 0;
    await client.until(() => lastMs() >= 5_000, 'the lookahead');
    expect(lastMs()).toBeLessThanOrEqual(5_000 + performance.now() - askedAt);
    stage.plugin.terms.leaseSeconds = 3600;
    stage.advance(10);
    await client.until(() => lastMs() >= 15_000, 'ten seconds more');
    expect(lastMs()).toBeLessThanOrEqual(15_000 + performance.now() - askedAt);
  });

  it('from where `play` says, at the last key picture before it', async () => {
    stage = await startStage();
    const client = await playing({ startMs: 21_500 });
    expect(client.pictures()[0]?.timestampMs).toBe(20_000);
    expect(client.messages.find(({ type }) => type === 9)?.timestampMs).toBe(20_000);
  });

  it.each(['mp4:NAME', 'flv:NAME.flv', 'NAME.mp4', 'NAME'])('a stream called %s', async (form) => {
    stage = await startStage();
    const token = await stage.plugin.mint({ protocols: ['rtmp'] });
    const client = await RtmpClient.connect({ port: stage.rtmpPort ?? 0 });
    clients.push(client);
    await client.openApp('vod/_definst_');
    client.play(await client.createStream(), `${form.replace('NAME', 'video1')}?token=${token}`);
    await client.heard('NetStream.Play.Start');
  });

  it('a session id in place of a token, and a token behind the application', async () => {
    stage = await startStage();
    const { sessionId } = await stage.open();
    const bySession = await RtmpClient.open(stage.rtmpUrl(sessionId));
    clients.push(bySession);
    await bySession.heard('NetStream.Play.Start');
    const client = await RtmpClient.connect({ port: stage.rtmpPort ?? 0 });
    clients.push(client);
    await client.openApp(`vod?token=${await stage.plugin.mint({ protocols: ['rtmp'] })}`);
    client.play(await client.createStream(), 'video1');
    await client.heard('NetStream.Play.Start');
  });

  it('pause stops the media, and resuming goes on without a gap', async () => {
    stage = await startStage();
    stage.plugin.terms.leaseSeconds = 3600;
    const client = await playing();
    client.say(1, 'pause', null, true, 1000);
    await client.heard('NetStream.Pause.Notify');
    const heard = client.messages.length;
    stage.advance(20);
    client.say(1, 'getStreamLength', null, 'video1');
    await client.until(() => client.messages.slice(heard).some(({ values }) => values?.[0] === '_result'), 'an answer');
    expect(timesSince(client, heard)).toEqual([]);
    client.say(1, 'pause', null, false, 1000);
    await client.heard('NetStream.Unpause.Notify');
    stage.advance(2);
    await client.until(() => timesSince(client, heard).length > 20, 'pictures after the pause');
    const times = client.pictures().map(({ timestampMs }) => timestampMs);
    expect(times).toEqual(times.map((_time, index) => index * 40));
    expect(times.at(-1)).toBeLessThan(10_000);
  });

  it('seek starts at the last key picture before the place, with the decoders configured anew', async () => {
    stage = await startStage();
    const client = await playing();
    const heard = client.messages.length;
    client.say(1, 'seek', null, 41_300);
    await client.heard('NetStream.Seek.Notify');
    await client.until(() => client.pictures().some(({ timestampMs }) => timestampMs >= 40_000), 'the new place');
    const after = client.messages.slice(heard);
    expect(after.find(({ type, body }) => type === 9 && body[1] === 0)?.timestampMs).toBe(40_000);
    const [first] = timesSince(
      client,
      client.messages.findIndex(({ timestampMs }) => timestampMs >= 40_000),
    );
    expect(first).toBe(40_000);
    expect(client.statuses().slice(2)).toEqual(['NetStream.Seek.Notify', 'NetStream.Play.Start']);
  });

  it('many seeks at once end at the last of them, and nothing is mixed', async () => {
    stage = await startStage();
    const client = await playing();
    for (let count = 0; count < 50; count += 1) client.say(1, 'seek', null, (count % 20) * GOP_MS);
    client.say(1, 'seek', null, 50_100);
    await client.heard('NetStream.Seek.Notify', 51);
    const from = await client.until(() => {
      const last = client.messages.findLastIndex(({ values }) => values?.[0] === 'onMetaData');
      return client.messages[last]?.timestampMs === 50_000 && client.messages.length > last + 20 && last;
    }, 'the last seek');
    const times = timesSince(client, from);
    expect(times).toEqual(times.map((_time, index) => 50_000 + index * 40));
  });

  it('while paused, seek shows the picture there and waits', async () => {
    stage = await startStage();
    const client = await playing();
    client.say(1, 'pause', null, true, 0);
    await client.heard('NetStream.Pause.Notify');
    const heard = client.messages.length;
    client.say(1, 'seek', null, 30_000);
    await client.until(() => timesSince(client, heard).length > 0, 'the picture');
    client.say(1, 'getStreamLength', null, 'video1');
    await client.until(() => client.messages.slice(heard).some(({ values }) => values?.[0] === '_result'), 'an answer');
    expect(timesSince(client, heard)).toEqual([30_000]);
  });

  it('to the end: Complete, Stop, EOF, the connection stays for a replay by seek', async () => {
    stage = await startStage();
    const client = await playing({ startMs: 56_000 });
    await client.heard('NetStream.Play.Stop');
    const complete = client.messages.find(({ values }) => values?.[0] === 'onPlayStatus');
    expect(complete?.values?.[1]).toMatchObject({ code: 'NetStream.Play.Complete', duration: 60 });
    expect(client.pictures().at(-1)?.timestampMs).toBe(59_960);
    const isEof = ({ type, body }: { type: number; body: Buffer }) => type === 4 && body.readUInt16BE(0) === 1;
    await client.until(() => client.messages.some(isEof), 'EOF');
    const heard = client.messages.length;
    client.say(1, 'seek', null, 0);
    await client.until(() => timesSince(client, heard).length > 10, 'the film again');
    expect(timesSince(client, heard)[0]).toBe(0);
  });

  it.each(['closeStream', 'deleteStream'])('%s ends the connection in order and lets the session go', async (name) => {
    stage = await startStage();
    const client = await playing();
    client.say(1, name, null, 1);
    await client.closed;
    expect(client.ended).toBe(true);
    await until(
      'the connection is counted out',
      async () => (await stage.metric('protected_vod_continuous_streams')) === 0,
    );
  });

  it('tells the length once it is admitted', async () => {
    stage = await startStage();
    const client = await RtmpClient.connect({ port: stage.rtmpPort ?? 0 });
    clients.push(client);
    await client.openApp('vod');
    expect((await client.call(0, 'getStreamLength', null, 'video1'))[3]).toBe(0);
    const admitted = await playing();
    expect((await admitted.call(0, 'getStreamLength', null, 'video1'))[3]).toBe(60);
  });

  it('a film in a form that FLV cannot carry is not found', async () => {
    const video = { codec: 'vp8', description: null, width: 16, height: 16, frameRate: 25 };
    stage = await startStage({ show: drawnPackager({ outline: { video } }) });
    const client = await stage.play();
    await client.closed;
    expect(client.statuses()).toEqual(['NetStream.Play.StreamNotFound']);
    expect(client.mediaBytes()).toBe(0);
  });
});
