import { setTimeout as delay } from 'node:timers/promises';
import Context from 'node-media-server/src/core/context.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RtmpClient } from '../../../clients/rtmp.mjs';
import { until } from '../../../support/until';
import { type Stage, startStage } from './stage';

let stage: Stage;

beforeEach(async () => {
  stage = await startStage();
});
afterEach(() => stage.stop());

const mint = () => stage.plugin.mint({ protocols: ['hls', 'rtmp'] });

/** Everything that a refused client may ever hear. */
const REFUSAL = { level: 'error', code: 'NetStream.Play.Failed', description: 'Forbidden.' };

async function expectRefusalOf(client: RtmpClient): Promise<void> {
  await client.closed;
  expect(client.ended).toBe(true);
  const heard = client.messages.filter(({ values }) => values?.[0] === 'onStatus');
  expect(heard.map(({ values }) => values?.[3])).toEqual([REFUSAL]);
  // Not even a user control message: the stream never began.
  expect(client.messages.filter(({ type }) => ![1, 5, 6, 20].includes(type))).toEqual([]);
  expect(client.mediaBytes()).toBe(0);
}

const expectRefusal = async (url: string) => expectRefusalOf(await RtmpClient.open(url));

describe('S14 RTMP refuses with one sentence and no media', () => {
  it('no credential', () => expectRefusal(stage.rtmpUrl('')));
  it('garbage', () => expectRefusal(stage.rtmpUrl('garbage')));
  it('another video than the token’s, which is not spent', async () => {
    const token = await mint();
    await expectRefusal(stage.rtmpUrl(token, 'video2'));
    expect(stage.plugin.introspections).toEqual([]);
    const viewer = await RtmpClient.open(stage.rtmpUrl(token));
    await viewer.until(() => viewer.pictures().length > 0, 'pictures');
    viewer.close();
  });
  it('a name that is none', async () => expectRefusal(stage.rtmpUrl(await mint(), 'a%20b')));
  it('another application', async () => expectRefusal(stage.rtmpUrl(await mint()).replace('/vod/', '/live/')));
  it('a token without the protocol', async () =>
    expectRefusal(stage.rtmpUrl(await stage.plugin.mint({ protocols: ['hls'] }))));

  it('a grant without the protocol', async () => {
    stage.plugin.terms.protocols = ['hls'];
    await expectRefusal(stage.rtmpUrl(await mint()));
  });

  it('an ended session', async () => {
    const { sessionId } = await stage.open();
    stage.plugin.end(sessionId);
    await until('the end arrives', async () => (await stage.metric('protected_vod_sessions_ended_total')) > 0);
    await expectRefusal(stage.rtmpUrl(sessionId));
  });

  it('a second client', async () => {
    const token = await mint();
    const first = await RtmpClient.open(stage.rtmpUrl(token));
    await first.heard('NetStream.Play.Start');
    const second = await RtmpClient.connect({ port: stage.rtmpPort ?? 0, from: '127.0.1.1' });
    await second.openApp('vod', { flashVer: 'ANOTHER 2' });
    second.play(await second.createStream(), `video1?token=${token}`);
    await expectRefusalOf(second);
    expect(first.socket.destroyed).toBe(false);
    first.close();
  });

  it('while the plugin cannot be reached', async () => {
    stage.plugin.faults.introspect = 'reset';
    await expectRefusal(stage.rtmpUrl(await mint()));
  });

  it('says nothing while the plugin thinks', async () => {
    stage.plugin.faults.introspect = 'hang';
    const client = await RtmpClient.open(stage.rtmpUrl(await mint()));
    await delay(300);
    expect(client.messages.filter(({ type, values }) => type !== 20 || values?.[0] !== '_result').length).toBe(3);
    expect(client.mediaBytes()).toBe(0);
    client.close();
  });
});

describe('RTMP takes nothing from a viewer', () => {
  it('publish is refused', async () => {
    const client = await RtmpClient.connect({ port: stage.rtmpPort ?? 0 });
    await client.openApp('vod');
    client.say(await client.createStream(), 'publish', null, `video1?token=${await mint()}`, 'live');
    await client.closed;
    expect(client.statuses()).toEqual(['NetStream.Publish.BadName']);
  });

  it('media from a player ends its connection and reaches no other viewer', async () => {
    const viewer = await stage.play();
    await viewer.until(() => viewer.pictures().length > 10, 'pictures');
    const attacker = await stage.play();
    await attacker.heard('NetStream.Play.Start');
    const body = Buffer.from([0x17, 1, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef]);
    attacker.send({ type: 9, streamId: 1, timestampMs: 0, body });
    await attacker.closed;
    await viewer.until(() => viewer.pictures().length > 100, 'more pictures');
    expect(viewer.messages.some((message) => message.body.equals(body))).toBe(false);
    viewer.close();
  });

  it('nothing of it is kept by node-media-server', async () => {
    const viewers = await Promise.all([stage.play(), stage.play(), stage.play()]);
    for (const viewer of viewers) await viewer.until(() => viewer.pictures().length > 10, 'pictures');
    expect(Context.sessions.size).toBe(3);
    for (const viewer of viewers) viewer.close();
    await until('all have left', () => Context.sessions.size === 0);
    expect(Context.broadcasts.size).toBe(0);
  });
});

describe('a log line tells of a connection', () => {
  it('S21 without token or session id', async () => {
    const token = await mint();
    const client = await RtmpClient.open(stage.rtmpUrl(token));
    await client.until(() => client.pictures().length > 10, 'pictures');
    client.close();
    await until('the line is written', () => stage.responses('rtmp').length > 0);
    expect(stage.responses('rtmp')[0]).toMatchObject({ session: expect.stringMatching(/^[0-9a-f]{8}$/) });
    const log = stage.logLines.join('');
    expect(log).not.toContain(token);
    expect(log).not.toContain(stage.plugin.sessionOf(token));
  });

  it('with the reason of a refusal', async () => {
    await expectRefusal(stage.rtmpUrl('garbage'));
    await until('the line is written', () => stage.responses('rtmp').length > 0);
    expect(stage.responses('rtmp')[0]).toMatchObject({ reason: 'credential-malformed' });
  });
});
