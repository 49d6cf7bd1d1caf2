import { once } from 'node:events';
import type http from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { readFlv } from '../../../clients/flv.mjs';
import { until } from '../../../support/until';
import { ask, readSlowly } from '../access/harness';
import { drawnPackager, type Stage, type StageOptions, startStage } from './stage';

let stage: Stage;
afterEach(() => stage.stop());

const start = async (options?: StageOptions) => {
  stage = await startStage(options);
  stage.plugin.terms.leaseSeconds = 3600;
};
const mint = () => stage.plugin.mint({ protocols: stage.plugin.terms.protocols });

/** Opens `/v/{credential}/live.flv` as a WebSocket. */
function openSocket(path: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${stage.port}${path}`, {
    headers: { 'user-agent': 'test-player', ...headers },
  });
  const frames: Buffer[] = [];
  socket.on('message', (data: Buffer) => frames.push(data));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close') as Promise<[number, Buffer]>;
  return { socket, closed, bytes: () => Buffer.concat(frames), tags: () => readFlv(Buffer.concat(frames)).tags };
}

/** What a request to upgrade is answered with when it is not upgraded. */
function refusedUpgrade(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }>((resolve, reject) => {
    const { socket } = openSocket(path, headers);
    socket.once('open', () => reject(new Error('it was upgraded')));
    socket.once('unexpected-response', (_request, response: http.IncomingMessage) => {
      let body = '';
      response.on('data', (data) => {
        body += data;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
  });
}

/** Reads HTTP-FLV until the film or the connection ends. */
async function readAll(path: string): Promise<Buffer> {
  return (await ask(stage.port, path)).body;
}

describe('HTTP-FLV', () => {
  it('a token is redirected to the session, and the place to start with it', async () => {
    await start();
    const answer = await stage.ask(`/v/${await mint()}/live.flv?start=12.5&x=y`);
    expect(answer.status).toBe(302);
    expect(answer.headers.location).toMatch(/^\.\.\/ps_[\w-]{40}\/live\.flv\?start=12\.5$/);
  });

  it('S13 HEAD does not end the stream that runs', async () => {
    await start();
    const { sessionId } = await stage.open();
    const { closed, tags } = openSocket(`/v/${sessionId}/live.flv?start=55`);
    await until('it plays', () => tags().length > 20);
    expect((await stage.ask(`/v/${sessionId}/live.flv`, { method: 'HEAD' })).status).toBe(200);
    expect((await closed)[0]).toBe(1000);
  });

  it('answers one FLV file that arrives at the speed of watching and ends with the film', async () => {
    await start();
    const { sessionId } = await stage.open();
    const reading = ask(stage.port, `/v/${sessionId}/live.flv?start=55`);
    const { status, headers, body } = await reading;
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('video/x-flv');
    expect(headers['cache-control']).toBe('private, no-store');
    expect(headers['x-accel-buffering']).toBe('no');
    expect(headers['content-length']).toBeUndefined();
    const { hasAudio, hasVideo, tags } = readFlv(body);
    expect([hasAudio, hasVideo]).toEqual([true, true]);
    expect(tags.slice(0, 3).map(({ type, timestampMs }) => [type, timestampMs])).toEqual([
      [18, 54_000],
      [9, 54_000],
      [8, 54_000],
    ]);
    const pictures = tags.filter(({ type, body: [, kind] }) => type === 9 && kind === 1);
    expect(pictures.map(({ timestampMs }) => timestampMs)).toEqual(pictures.map((_tag, index) => 54_000 + index * 40));
    expect(pictures.at(-1)?.timestampMs).toBe(59_960);
  });

  it('HEAD tells the headers and no more', async () => {
    await start();
    const { sessionId } = await stage.open();
    const answer = await stage.ask(`/v/${sessionId}/live.flv`, { method: 'HEAD' });
    expect([answer.status, answer.headers['content-type'], answer.body.length]).toEqual([200, 'video/x-flv', 0]);
  });

  it.each(['start=-5', 'start=1e9', 'start=', 'start=x', 'starts=5'])('%s starts at the beginning', async (query) => {
    await start({ show: drawnPackager({ outline: { durationMs: 6_000, runStartsMs: [0] } }) });
    const { sessionId } = await stage.open();
    stage.advance(1);
    const { tags } = readFlv(await readAll(`/v/${sessionId}/live.flv?${query}`));
    expect(tags[0]?.timestampMs).toBe(0);
  });

  it('a film in a form that FLV cannot carry is 404 behind the gate and 403 before it', async () => {
    const video = { codec: 'vp8', description: null, width: 16, height: 16, frameRate: 25 };
    await start({ show: drawnPackager({ outline: { video } }) });
    const { sessionId } = await stage.open();
    expect((await stage.ask(`/v/${sessionId}/live.flv`)).status).toBe(404);
    expect((await stage.ask('/v/garbage/live.flv')).status).toBe(403);
    expect((await refusedUpgrade(`/v/${sessionId}/live.flv`)).status).toBe(404);
  });

  it('a grant without the protocol is refused', async () => {
    await start();
    stage.plugin.terms.protocols = ['hls', 'ws-flv'];
    const { sessionId } = await stage.open();
    expect((await stage.ask(`/v/${sessionId}/live.flv`)).status).toBe(403);
  });

  it('S15 is cut off when its session ends, also while it is not read', async () => {
    await start({ show: drawnPackager({ bytesPerPicture: 200_000 }) });
    const { sessionId } = await stage.open();
    const reader = readSlowly(stage.port, `/v/${sessionId}/live.flv`);
    await reader.started;
    stage.plugin.end(sessionId);
    await until('the response is over', () => stage.responses('flv').some(({ status }) => status === 200));
    expect(await reader.finish()).toBeLessThan(32 * 1024 * 1024);
    expect(stage.responses('flv').find(({ status }) => status === 200)?.complete).toBe(false);
  });
});

describe('WS-FLV', () => {
  it('plays the same file in place, without a redirect, and closes with 1000 at the end', async () => {
    await start();
    const { socket, closed, bytes } = openSocket(`/v/${await mint()}/live.flv?start=55`);
    expect((await closed)[0]).toBe(1000);
    expect(socket.extensions).toBe('');
    const { sessionId } = await stage.open();
    expect(bytes().equals(await readAll(`/v/${sessionId}/live.flv?start=55`))).toBe(true);
  });

  it.each([
    ['no credential', () => '/v//live.flv'],
    ['garbage', () => '/v/garbage/live.flv'],
    ['a token of other protocols', async () => `/v/${await stage.plugin.mint({ protocols: ['hls'] })}/live.flv`],
    ['no address of ours', () => '/elsewhere'],
  ])('S14 %s: no upgrade, but the very answer that HTTP gives', async (_name, path) => {
    await start();
    const target = await path();
    const upgrade = await refusedUpgrade(target);
    const plain = await stage.ask(target);
    expect([upgrade.status, upgrade.body]).toEqual([plain.status, plain.body.toString()]);
    const { date: _1, connection: _2, 'keep-alive': _3, ...headers } = plain.headers;
    expect(upgrade.headers).toMatchObject(headers);
    expect(upgrade.headers.connection).toBe('close');
  });

  it('another resource than live.flv is never upgraded', async () => {
    await start();
    const { sessionId } = await stage.open();
    expect((await refusedUpgrade(`/v/${sessionId}/mp4`)).status).toBe(404);
    expect((await refusedUpgrade(`/v/${sessionId}/nothing`)).status).toBe(404);
    expect((await refusedUpgrade('/v/garbage/mp4')).status).toBe(403);
  });

  it('S11 HEAD with an upgrade redeems nothing', async () => {
    await start();
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'x',
    };
    const answer = await stage.ask(`/v/${await mint()}/live.flv`, { method: 'HEAD', headers });
    expect(answer.status).toBe(405);
    expect(stage.plugin.introspections).toEqual([]);
  });

  it('while the plugin cannot be reached: 503', async () => {
    await start();
    stage.plugin.faults.introspect = 'reset';
    const { status, headers } = await refusedUpgrade(`/v/${await mint()}/live.flv`);
    expect([status, headers['retry-after']]).toEqual([503, '2']);
  });

  it('S20 a page of an origin that is not listed is refused before the gate; a listed one and native players are not', async () => {
    await start({ settings: { corsOrigins: ['https://site.example'] } });
    const path = `/v/${await mint()}/live.flv`;
    expect((await refusedUpgrade(path, { origin: 'https://evil.example' })).status).toBe(403);
    expect(stage.plugin.introspections).toEqual([]);
    const listed = openSocket(path, { origin: 'https://site.example' });
    await until('it plays', () => listed.tags().length > 20);
    listed.socket.terminate();
  });

  it('S15 is cut off when its session ends', async () => {
    await start();
    const token = await mint();
    const { closed, tags } = openSocket(`/v/${token}/live.flv`);
    await until('it plays', () => tags().length > 20);
    stage.plugin.end(stage.plugin.sessionOf(token));
    expect((await closed)[0]).toBe(1006);
  });

  it('whoever speaks is shown out', async () => {
    await start();
    const { socket, closed, tags } = openSocket(`/v/${await mint()}/live.flv`);
    await until('it plays', () => tags().length > 20);
    socket.send('hello');
    expect((await closed)[0]).toBe(1003);
  });

  it('more than 4096 bytes from a client end the connection and not the process', async () => {
    await start();
    const { socket, closed, tags } = openSocket(`/v/${await mint()}/live.flv`);
    await until('it plays', () => tags().length > 20);
    socket.send(Buffer.alloc(5000));
    await closed;
    expect((await stage.ask('/v/garbage/mp4')).status).toBe(403);
  });

  it('S13 a session has one continuous stream: the newest, whatever carries it', async () => {
    await start();
    const token = await mint();
    const first = openSocket(`/v/${token}/live.flv`);
    await until('it plays', () => first.tags().length > 20);
    const { RtmpClient } = await import('../../../clients/rtmp.mjs');
    const second = await RtmpClient.open(stage.rtmpUrl(token));
    await second.heard('NetStream.Play.Start');
    expect((await first.closed)[0]).toBe(1006);
    second.close();
  });

  it('is logged and counted like any other answer', async () => {
    await start();
    const { socket, tags } = openSocket(`/v/${await mint()}/live.flv`);
    await until('it plays', () => tags().length > 20);
    expect(await stage.metric('protected_vod_continuous_streams{protocol="ws-flv"}')).toBe(1);
    socket.terminate();
    await until('the line is written', () => stage.responses('flv').some(({ status }) => status === 101));
    expect(await stage.metric('protected_vod_continuous_streams{protocol="ws-flv"}')).toBe(0);
    expect(await stage.metric('protected_vod_bytes_total{protocol="ws-flv"}')).toBeGreaterThan(10_000);
  });

  it('is let go when the streamer stops', async () => {
    await start();
    const { closed, tags } = openSocket(`/v/${await mint()}/live.flv`);
    await until('it plays', () => tags().length > 20);
    const stopping = stage.streamer.stop();
    expect((await closed)[0]).toBe(1006);
    await stopping;
    await start();
  });
});
