import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishVideo, uploadFilm } from '../../support/films';
import { hashOf, syncingStreamer } from '../../support/internal';
import { mint } from '../../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../../support/playback-site';
import { rawRequest } from '../../support/raw-request';
import { measure, print, type Row } from './cost';

const SCALES = [1, 2, 4, 8, 16];
/** A cost that doubled from 1× to 16× would be a bend that no doubling in between need show. */
const MOST = 2;
const SEGMENTS = 3;

let site: PlaybackSite;
let pid: number;
let video: string;

async function publishCopy(): Promise<string> {
  return publishVideo(site.app, site.editor, { source: (await uploadFilm(site.app, site.editor)).id });
}

/** Each client in a network of its own, or they would all be one (S11). */
const networkOf = (client: number): string => `127.${1 + (client >> 8)}.${client & 255}.1`;

/** Opens a session for the client at address `from`; returns its address up to the credential. */
async function open(film: string, from: string): Promise<string> {
  const { token } = await mint(site.app, film, site.viewer.jwt);
  const answer = await rawRequest(`${site.streamerUrl()}/v/${token}/hls/main.m3u8`, { from });
  const id = /ps_[\w-]{40}/.exec(answer.headers.location ?? '')?.[0];
  if (answer.status !== 302 || id === undefined) throw new Error(`a token answered ${answer.status}`);
  return `${site.streamerUrl()}/v/${id}`;
}

async function endAll(): Promise<void> {
  await site.app.strapi.plugin('protected-vod').service('playback-session').store.endScope({}, 'ended-by-editor');
  await delay(2000);
}

async function inTurn(count: number, task: (index: number) => Promise<unknown>, width = 20): Promise<void> {
  for (let done = 0; done < count; done += width) {
    await Promise.all(Array.from({ length: Math.min(width, count - done) }, (_, at) => task(done + at)));
  }
}

async function grow(title: string, step: (scale: number) => Promise<Row>): Promise<void> {
  const rows: Row[] = [];
  for (const scale of SCALES) rows.push(await step(scale));
  expect(print(title, rows)).toBeLessThanOrEqual(MOST);
}

beforeAll(async () => {
  site = await startPlaybackSite({
    pluginConfig: { session: { paceBufferSeconds: 1_000_000, maxResponses: 64 } },
  });
  pid = site.app.strapi.plugin('protected-vod').service('streamer').status().pid;
  video = await publishCopy();
  // The first of everything loads code.
  await inTurn(20, (at) => open(video, networkOf(at)));
  await endAll();
});

afterAll(() => site.app.stop());

describe('cost per unit, doubled from 1× to 16×', () => {
  it('viewers: one segment from the cache', async () => {
    await grow('viewers, per segment', async (scale) => {
      const viewers = 10 * scale;
      const crowd: { base: string; from: string }[] = [];
      await inTurn(viewers, async (at) => crowd.push({ base: await open(video, networkOf(at)), from: networkOf(at) }));
      const load = fork(path.join(import.meta.dirname, 'viewers.mjs'));
      const read = async (rounds: number) => {
        load.send({ crowd, segments: SEGMENTS, rounds });
        const [answer]: unknown[] = await Promise.race([once(load, 'message'), once(load, 'exit')]);
        expect(answer).toEqual({ read: viewers * SEGMENTS * rounds });
      };
      await read(1);
      const rounds = 8;
      const row = await measure(pid, { scale, units: viewers * SEGMENTS * rounds }, () => read(rounds));
      load.kill();
      await endAll();
      return row;
    });
  });

  it('films: mint, redemption and playlists of one that nobody has watched yet', async () => {
    await grow('films, per first play', async (scale) => {
      const films: string[] = [];
      await inTurn(4 * scale, async () => films.push(await publishCopy()), 4);
      const row = await measure(pid, { scale, units: films.length }, () =>
        inTurn(films.length, async (at) => {
          const base = await open(films[at] ?? '', networkOf(at));
          const answer = await rawRequest(`${base}/hls/main.m3u8`, { from: networkOf(at) });
          expect(answer.status).toBe(200);
        }),
      );
      await endAll();
      return row;
    });
  });

  it('sessions: a second of watching, no segment asked for', async () => {
    const seconds = 10;
    await grow('sessions, per 1,000 session-seconds', async (scale) => {
      const sessions = 100 * scale;
      await inTurn(sessions, (at) => open(video, networkOf(at)));
      await delay(1500);
      const row = await measure(pid, { scale, units: (sessions * seconds) / 1000 }, () => delay(seconds * 1000));
      await endAll();
      return row;
    });
  });

  it('nodes: a sync of 50 sessions by one more streamer', async () => {
    const hashes: string[] = [];
    await inTurn(50, async (at) => hashes.push(hashOf((await open(video, networkOf(at))).split('/').at(-1) ?? '')));
    const rounds = 20;
    await grow('nodes, per sync of 50 sessions', async (scale) => {
      const streamers = Array.from({ length: scale }, () => syncingStreamer(site.app));
      const syncOnce = () => Promise.all(streamers.map((sync) => sync(hashes.map((session) => ({ session })))));
      await syncOnce();
      return measure(pid, { scale, units: scale * rounds }, async () => {
        for (let round = 0; round < rounds; round += 1) await syncOnce();
      });
    });
  });
});
