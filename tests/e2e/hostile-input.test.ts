import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RtmpClient } from '../clients/rtmp.mjs';
import { upgrade } from '../support/hostile/conversations';
import { letLoose } from '../support/hostile/crowd';
import { malformedHttp } from '../support/hostile/malformed-http';
import { malformedRtmp } from '../support/hostile/malformed-rtmp';
import { type ProbedStreamer, startProbedStreamer } from '../support/hostile/probed-streamer';
import { stay, visit } from '../support/hostile/strangers';
import { rawRequest } from '../support/raw-request';
import { hashOf } from '../support/stand-in-plugin';
import { until } from '../support/until';

const CONVERSATIONS = 10_000;
const WARM_UP = 1_000;
/** Another one: `HOSTILE_SEED=4711 npx vitest …`. */
const SEED = Number(process.env.HOSTILE_SEED ?? 20_261_122);

let streamer: ProbedStreamer;

beforeAll(async () => {
  streamer = await startProbedStreamer();
});

afterAll(() => streamer.dispose());

/** Ends all sessions as the plugin would, and waits until nothing of them is left. */
async function untilDeserted(): Promise<void> {
  const { faults } = streamer.plugin;
  faults.verdict = (verdict) => ({ session: verdict.session, state: 'ended' });
  await until('no session is left', async () => (await streamer.metric('protected_vod_sessions')) === 0);
  delete faults.verdict;
  // Who left last may not have been accepted yet; all must be gone at one time.
  await until('nothing is left', async () => (await countLeft()) === 0);
}

async function countLeft(): Promise<number> {
  const { sockets, rtmpSessions, broadcasts } = await streamer.probe('counts');
  return sockets + rtmpSessions + broadcasts + (await streamer.metric('protected_vod_continuous_streams'));
}

const weight = ({ heapUsed, external }: { heapUsed: number; external: number }) => heapUsed + external;
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** A viewer of another network than the strangers', with a session. */
interface Viewer {
  token: string;
  session: string;
  from: string;
}

async function invite(from: string): Promise<Viewer> {
  const { plugin, ports } = streamer;
  const token = await plugin.mint({ protocols: plugin.terms.protocols });
  await rawRequest(`http://127.0.0.1:${ports.http}/v/${token}/mp4`, { from });
  return { token, session: plugin.sessionOf(token), from };
}

/** Watches over HTTP, HTTP-FLV and RTMP, each from the start. */
async function expectServed({ session, from }: Viewer): Promise<void> {
  const { http, rtmp } = streamer.ports;
  const segment = await rawRequest(`http://127.0.0.1:${http}/v/${session}/hls/source-v1/1.m4s`, { from });
  expect(segment.status).toBe(200);
  const player = await RtmpClient.open(`rtmp://127.0.0.1:${rtmp}/vod/video1?token=${session}`, { from });
  await player.until(() => player.pictures().length > 24, 'the film');
  player.close();
}

const randomToken = () => ['a', 'b', 'c'].map(() => randomBytes(40).toString('base64url')).join('.');

describe('one malformed input', () => {
  const stranger = '127.0.66.6';
  let hostile: Viewer;
  let viewer: Viewer;

  beforeAll(async () => {
    hostile = await invite(stranger);
    viewer = await invite('127.0.77.7');
  });

  async function expectSurvived(door: 'http' | 'rtmp', pieces: Buffer[] | undefined): Promise<void> {
    const mutant = { name: '', door, pieces: pieces ?? [], manner: 'at once', farewell: 'reads on' } as const;
    await visit(mutant, { port: streamer.ports[door], from: stranger });
    await visit({ ...mutant, manner: 'in pieces' }, { port: streamer.ports[door], from: stranger });
    await visit({ ...mutant, farewell: 'resets' }, { port: streamer.ports[door], from: stranger });
    expect(streamer.isAlive(), streamer.complaints().join('\n')).toBe(true);
    await expectServed(viewer);
  }

  it.each(Object.keys(malformedRtmp('')))('over RTMP, %s: the streamer lives and serves', (name) =>
    expectSurvived('rtmp', malformedRtmp(hostile.token)[name]),
  );

  it.each(Object.keys(malformedHttp('')))('over HTTP, %s: the streamer lives and serves', (name) =>
    expectSurvived('http', malformedHttp(hostile.session)[name]),
  );

  it.each(['garbage', randomToken()])(
    'a refused upgrade is let go of although its client stays',
    async (credential) => {
      const port = streamer.ports.http;
      const socket = await stay([upgrade(`/v/${credential}/live.flv`)], { port, from: stranger });
      await until('the streamer has let go of it', async () => (await streamer.probe('counts')).sockets === 0);
      socket.destroy();
    },
  );

  it('leaves nothing open, whichever it was', async () => {
    await until('no stranger is connected', async () => (await streamer.probe('counts')).sockets === 0);
    expect(await streamer.probe('counts')).toMatchObject({ rtmpSessions: 0, broadcasts: 0 });
    expect(await streamer.metric('protected_vod_continuous_streams')).toBe(0);
    // An open response counts as activity (S12): one that nobody closed would keep the session busy for ever.
    const usage = () =>
      streamer.plugin.syncs.at(-1)?.sessions.find(({ session }) => session === hashOf(hostile.session));
    await until('the session is idle', () => (usage()?.idleMs ?? 0) > 0);
    expect(streamer.complaints()).toEqual([]);
    await expectServed(hostile);
  });
});

describe(`10,000 mutated conversations, seed ${SEED}`, () => {
  it('leave the process alive, its memory within 20 % of before, and no session, socket or broadcast', async () => {
    await letLoose(streamer, WARM_UP, SEED + 1);
    const { introspections } = streamer.plugin;
    const asked = introspections.length;
    await untilDeserted();
    const before = await streamer.probe('memory');
    const startedAt = performance.now();
    const served = await letLoose(streamer, CONVERSATIONS, SEED);
    const seconds = (performance.now() - startedAt) / 1000;
    expect(streamer.isAlive(), streamer.complaints().slice(-20).join('\n')).toBe(true);
    await untilDeserted();
    const after = await streamer.probe('memory');
    console.log(
      `seed ${SEED}: ${CONVERSATIONS} conversations in ${seconds.toFixed(0)} s, ${served} served something;`,
      `heap + external ${megabytes(weight(before))} → ${megabytes(weight(after))} MB`,
    );
    await until('nothing is left', async () => (await countLeft()) === 0);
    expect(weight(after)).toBeLessThan(1.2 * weight(before));
    expect(streamer.complaints()).toEqual([]);
    // Mutation spares enough of them that the gate, and what lies behind it, was reached.
    expect(introspections.length - asked).toBeGreaterThan(100);
  });
});
