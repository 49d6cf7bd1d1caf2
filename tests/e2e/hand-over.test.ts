import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { mediaPlaylistUrls, segmentUrls } from '../clients/hls.mjs';
import { type NetworkClient, openResponse, statusOf } from '../support/client-requests';
import { describeWalk, walkFilm } from '../support/film-walk';
import { LONG_FILM_SECONDS, publishLongFilm } from '../support/long-film';
import { mint } from '../support/minting';
import { readPaced } from '../support/paced-reader';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { FFMPEG } from '../support/tools';
import { until } from '../support/until';

const FIRST: NetworkClient = { from: '127.0.0.1', agent: 'paced' };
const SECOND: NetworkClient = { from: '127.0.9.1', agent: 'second' };
/** About the film's own pace. */
const BYTES_PER_SECOND = 750_000;
const SILENCE_MS = 15_000;

interface Reading {
  /** What the second client asks for, under the session's id. */
  address: string;
  /** Whether the first one is being served. */
  isServed(): boolean;
  /** Resolves when nothing of it is open any more, to the moment at which it was read for the last time. */
  stop(): Promise<number>;
}

type Urls = Awaited<ReturnType<typeof mint>>['urls'];

describe.skipIf(!FFMPEG)('S12 one client at a time, with a film of ten minutes', () => {
  let site: PlaybackSite;
  let video: string;

  beforeAll(async () => {
    site = await startPlaybackSite();
    video = await publishLongFilm(site);
  });

  afterAll(() => site?.app.stop());

  const newUrls = async () => (await mint(site.app, video, site.viewer.jwt)).urls;

  /** The token is redeemed by asking. */
  async function settle(url = ''): Promise<string> {
    const answer = await fetch(url, { redirect: 'manual', headers: { 'user-agent': FIRST.agent } });
    return new URL(answer.headers.get('location') ?? '', url).href;
  }

  /** One segment after another. */
  async function readSegments({ hls = '' }: Urls): Promise<Reading> {
    const headers = { 'user-agent': FIRST.agent };
    const [media = ''] = mediaPlaylistUrls(await fetchOk(hls, headers));
    const segments = segmentUrls(await fetchOk(media, headers));
    let served = 0;
    let lastByteAt = 0;
    let isStopped = false;
    async function read(): Promise<number> {
      for (; !isStopped; await delay(500)) {
        const opened = await openResponse(segments[served] ?? '', FIRST);
        await opened.finished;
        lastByteAt = performance.now();
        if (opened.status === 200) served += 1;
      }
      return lastByteAt;
    }
    const reading = read();
    return {
      address: segments[1] ?? '',
      isServed: () => served > 0,
      stop() {
        isStopped = true;
        return reading;
      },
    };
  }

  async function readOn(url: string | undefined): Promise<Reading> {
    const address = await settle(url);
    const reader = readPaced([address], BYTES_PER_SECOND);
    return {
      address,
      isServed: () => reader.bytes() > 0,
      async stop() {
        const asked = performance.now();
        reader.stop();
        await reader.cutOff;
        return asked;
      },
    };
  }

  const readers: Record<string, (urls: Urls) => Promise<Reading>> = {
    HLS: readSegments,
    MP4: ({ mp4 }) => readOn(mp4),
    'HTTP-FLV': ({ httpFlv }) => readOn(httpFlv),
  };

  it.concurrent.each(Object.keys(readers))(
    'over %s a second client is refused while the first reads, accepted 15 s after it stopped, and then the first refused',
    async (name) => {
      const reading = await readers[name]?.(await newUrls());
      if (reading === undefined) throw new Error(`nobody reads over ${name}`);
      const { address, isServed, stop } = reading;
      const asSecond = () => statusOf(address, SECOND);
      await until('the first is served', isServed);
      const meanwhile: number[] = [];
      for (let at = 0; at < 12; at += 1, await delay(250)) meanwhile.push(await asSecond());
      expect(new Set(meanwhile)).toEqual(new Set([403]));
      const stopped = await stop();
      const refused: number[] = [];
      await until('the second is accepted', async () => {
        const status = await asSecond();
        if (status !== 200) refused.push(status);
        return status === 200 || delay(250, false);
      });
      const acceptedMs = performance.now() - stopped;
      console.log(
        `${name}: the second client was accepted ${(acceptedMs / 1000).toFixed(1)} s after the first had stopped`,
      );
      expect(new Set(refused)).toEqual(new Set([403]));
      expect(acceptedMs).toBeGreaterThanOrEqual(SILENCE_MS);
      expect(await statusOf(address, FIRST)).toBe(403);
      expect(await asSecond()).toBe(200);
    },
  );

  it.concurrent('S13 one client that reloads, seeks and asks for ranges through the whole film is never refused', async () => {
    const { hls = '', dash = '', mp4 = '' } = await newUrls();
    const walk = { urls: { hls, dash, mp4 }, filmSeconds: LONG_FILM_SECONDS, seed: 4 };
    const report = await walkFilm({ ...walk, speed: 'fastest' });
    console.log(describeWalk(report));
    expect(report.refusals).toEqual([]);
    expect(report.requests).toBeGreaterThan(300);
  });
});
