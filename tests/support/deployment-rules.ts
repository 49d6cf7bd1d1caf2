import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { countVideoFrames } from '../clients/frames.mjs';
import { mediaPlaylistUrls, playHls, segmentUrls } from '../clients/hls.mjs';
import { type ExternalSite, type ExternalSiteOptions, startExternalSite } from './external-site';
import { publishVideo, unpublishVideo } from './films';
import { freePort } from './free-port';
import type { FrontServer } from './front-servers';
import { mint } from './minting';
import { type RawAnswer, type RawRequest, rawRequest } from './raw-request';
import { readSlowly } from './slow-reader';
import { until } from './until';

/** Another /24 of the loopback block is another client. */
const VIEWER: RawRequest = { from: '127.0.7.1', headers: { 'user-agent': 'viewer' } };
const STRANGER: RawRequest = { from: '127.0.8.1', headers: { 'user-agent': 'stranger' } };
const ORIGIN = 'https://www.example.org';
const LIMIT_MS = 2000;
const CREDENTIAL = /ps_[A-Za-z0-9_-]{40}|eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}/;
/** What an answer is described by, wherever it comes from. */
const TOLD = [
  'content-type',
  'content-length',
  'etag',
  'cache-control',
  'accept-ranges',
  'vary',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'x-content-type-options',
  'referrer-policy',
  'content-security-policy',
  'cross-origin-resource-policy',
];

export interface Deployment {
  site: ExternalSite;
  front: FrontServer;
  /** Address of `resource` under a credential, through the front. */
  address(credential: string, resource: string): string;
  /** Opens a session for `VIEWER` and returns its id. */
  openSession(video?: string): Promise<string>;
  /** Path of a segment of the film below the credential: one of video, of more than 200 KB. */
  segment: string;
}

type Start = (site: ExternalSite, publicPort: number) => Promise<FrontServer>;

async function findSegment(site: ExternalSite): Promise<string> {
  const { urls } = await mint(site.app, site.video, site.viewer.jwt);
  const [media = ''] = mediaPlaylistUrls(await fetchOk(urls.hls ?? ''));
  const [, , second = ''] = segmentUrls(await fetchOk(media));
  return second.replace(/^.*\/v\/[^/]+\//, '');
}

function reach(site: ExternalSite, front: FrontServer): Pick<Deployment, 'address' | 'openSession'> {
  const address = (credential: string, resource: string) =>
    `http://127.0.0.1:${front.port}/v/${credential}/${resource}`;
  async function openSession(video = site.video): Promise<string> {
    const { token } = await mint(site.app, video, site.viewer.jwt);
    const { headers } = await rawRequest(address(token, 'hls/main.m3u8'), VIEWER);
    const found = /ps_[A-Za-z0-9_-]{40}/.exec(headers.location ?? '')?.[0];
    if (found === undefined) throw new Error('the token opened no session');
    return found;
  }
  return { address, openSession };
}

async function startDeployment(start: Start, options: Omit<ExternalSiteOptions, 'publicPort'>): Promise<Deployment> {
  const publicPort = await freePort();
  const site = await startExternalSite({ ...options, publicPort });
  let front: FrontServer | undefined;
  try {
    front = await start(site, publicPort);
    return { site, front, ...reach(site, front), segment: await findSegment(site) };
  } catch (error) {
    // What has been started outlives this process otherwise.
    await front?.process.stop();
    await site.stop();
    throw error;
  }
}

const told = ({ headers }: RawAnswer) =>
  Object.fromEntries(TOLD.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));

/** Boots site and front before the tests of a file, and states what holds behind every sample. */
export function describeDeployment(
  start: Start,
  options: Omit<ExternalSiteOptions, 'publicPort'> = {},
): () => Deployment {
  let deployment: Deployment;
  const direct = (resource: string) => `http://127.0.0.1:${deployment.site.streamers[0]?.port}/v/${resource}`;

  beforeAll(async () => {
    deployment = await startDeployment(start, options);
  });

  afterAll(async () => {
    await deployment?.front.process.stop();
    await deployment?.site.stop();
  });

  it('HLS plays to the end through two of three streamers, the third being down', async () => {
    const { app, video, viewer } = deployment.site;
    for (const turn of ['first', 'second']) {
      const tracks = await playHls((await mint(app, video, viewer.jwt)).urls.hls ?? '');
      const counts = await Promise.all(tracks.map(({ bytes }) => countVideoFrames(bytes)));
      expect([turn, Math.max(...counts)]).toEqual([turn, 720]);
    }
  });

  it.each(['', 'garbage', `ps_${'A'.repeat(40)}`])(
    'the credential "%s" is refused as the streamer refuses it',
    async (credential) => {
      for (const resource of ['hls/main.m3u8', deployment.segment, 'mp4', 'download', 'live.flv']) {
        const answer = await rawRequest(deployment.address(credential, resource), VIEWER);
        const wanted = await rawRequest(direct(`${credential}/${resource}`), VIEWER);
        expect([resource, answer.status, answer.body.toString()]).toEqual([
          resource,
          wanted.status,
          wanted.body.toString(),
        ]);
      }
    },
  );

  it('S11 a second client is refused what the first just got, whatever headers it brings', async () => {
    const session = await deployment.openSession();
    const ours = { ...VIEWER, headers: { ...VIEWER.headers, range: 'bytes=0-99' } };
    const plain = { range: 'bytes=0-99' };
    const original = `/v/${session}/${deployment.segment}`;
    const brought: Record<string, string>[] = [
      {},
      {
        'x-forwarded-for': '127.0.7.1',
        'x-real-ip': '127.0.7.1',
        forwarded: 'for=127.0.7.1',
        'x-client-ip': '127.0.7.1',
      },
      { 'x-forwarded-for': '127.0.0.1' },
      { 'x-original-uri': original, 'x-vod-segment': 'x' },
    ];
    for (const resource of [deployment.segment, 'hls/main.m3u8', 'mp4']) {
      for (const headers of brought) {
        expect((await rawRequest(deployment.address(session, resource), ours)).status, resource).toBeLessThan(300);
        const theirs = { ...STRANGER, headers: { ...STRANGER.headers, ...plain, ...headers } };
        const refused = await rawRequest(deployment.address(session, resource), theirs);
        expect([resource, headers, refused.status]).toEqual([resource, headers, 403]);
        expect(refused.body.byteLength).toBeLessThan(200);
      }
    }
  });

  it('S19 S20 a segment comes with the bytes and headers of the streamer, once and again', async () => {
    const session = await deployment.openSession();
    const asked = { ...VIEWER, headers: { ...VIEWER.headers, origin: ORIGIN } };
    const wanted = await rawRequest(direct(`${session}/${deployment.segment}`), asked);
    expect(wanted.status).toBe(200);
    for (let round = 0; round < 3; round += 1) {
      const answer = await rawRequest(deployment.address(session, deployment.segment), asked);
      expect(answer.status).toBe(200);
      expect(told(answer)).toEqual(told(wanted));
      expect(answer.body.equals(wanted.body)).toBe(true);
      expect(
        Object.keys(answer.headers).filter((name) => /^x-(accel|protected|vod|varnish)|last-modified/.test(name)),
      ).toEqual([]);
    }
    const elsewhere = await rawRequest(deployment.address(session, deployment.segment), {
      ...VIEWER,
      headers: { ...VIEWER.headers, origin: 'https://evil.example' },
    });
    expect(elsewhere.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('parts and validators of a segment are answered as the streamer answers them', async () => {
    const session = await deployment.openSession();
    const { headers } = await rawRequest(direct(`${session}/${deployment.segment}`), VIEWER);
    const etag = headers.etag ?? '';
    const cases: Record<string, string>[] = [
      { range: 'bytes=0-0' },
      { range: 'bytes=1000-1999' },
      { range: 'bytes=-5' },
      { range: 'bytes=999999999-' },
      { range: 'bytes=0-9', 'if-range': etag },
      { range: 'bytes=0-9', 'if-range': '"other"' },
      { 'if-none-match': etag },
      { 'if-none-match': '"other"' },
    ];
    for (const extra of cases) {
      const asked = { ...VIEWER, headers: { ...VIEWER.headers, ...extra } };
      const wanted = await rawRequest(direct(`${session}/${deployment.segment}`), asked);
      const answer = await rawRequest(deployment.address(session, deployment.segment), asked);
      const shown = ({ status, headers: got, body }: RawAnswer) => [
        status,
        got['content-range'],
        status < 400 ? body.byteLength : 0,
      ];
      expect([extra, ...shown(answer)]).toEqual([extra, ...shown(wanted)]);
      if (wanted.status < 300) expect(answer.body.equals(wanted.body)).toBe(true);
    }
    const preflight = await rawRequest(deployment.address(session, deployment.segment), {
      ...VIEWER,
      method: 'OPTIONS',
      headers: { origin: ORIGIN, 'access-control-request-method': 'GET', 'access-control-request-headers': 'range' },
    });
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([204, ORIGIN]);
  });

  it('HTTP-FLV flows as it is made', async () => {
    const url = deployment.address(await deployment.openSession(), 'live.flv');
    const reader = await readSlowly(url, VIEWER.from ?? '', 'viewer');
    await until('bytes flow', () => reader.bytes() > 500_000);
    reader.leave();
  });

  it('S13 the pace holds: who copies faster than it allows is told 429 and when to come back', async () => {
    const session = await deployment.openSession();
    const answers: RawAnswer[] = [];
    for (let at = 0; at < 1500 && answers.at(-1)?.status !== 429; at += 1) {
      // From as many pages: no permission is of use to another.
      const headers = { 'user-agent': 'viewer', origin: `https://page-${at}.example.org`, range: 'bytes=0-' };
      answers.push(await rawRequest(deployment.address(session, deployment.segment), { ...VIEWER, headers }));
    }
    expect(answers.at(-1)?.status).toBe(429);
    expect(Number(answers.at(-1)?.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('S6 S15 an unpublished film: two seconds later no segment of it is sent any more', async () => {
    const { app, editor, source } = deployment.site;
    const video = await publishVideo(app, editor, { source });
    const session = await deployment.openSession(video);
    const ask = () => rawRequest(deployment.address(session, deployment.segment), VIEWER);
    expect((await ask()).status).toBe(200);
    await unpublishVideo(app, editor, video);
    const committed = Date.now();
    let last = 0;
    for (;;) {
      const asked = Date.now();
      const { status } = await ask();
      if (status === 403) break;
      last = asked - committed;
      expect(last).toBeLessThanOrEqual(2 * LIMIT_MS);
      await delay(20);
    }
    console.log(`the last segment was asked for ${last} ms after the change`);
    expect(last).toBeLessThanOrEqual(LIMIT_MS);
  });

  return () => deployment;
}

/** To be stated last: it stops the streamers. */
export function describeLogs(deployed: () => Deployment): void {
  it('S21 no log of the front or of the streamers holds a token or a session id', async () => {
    const deployment = deployed();
    const { site, front } = deployment;
    const session = await deployment.openSession();
    const { token } = await mint(site.app, site.video, site.viewer.jwt);
    const base = `http://127.0.0.1:${front.port}`;
    for (const credential of [session, token]) {
      for (const rest of [
        '/',
        '/hls/%',
        '/hls/none-v1/1.m4s',
        '/..%2fmetrics',
        '/hls/source-v1/9999999.m4s',
        `/${'x'.repeat(9000)}`,
      ]) {
        await rawRequest(`${base}/v/${credential}${rest}`, VIEWER);
      }
      for (const method of ['HEAD', 'OPTIONS', 'POST', 'TRACE']) {
        await rawRequest(`${base}/v/${credential}/${deployment.segment}`, { ...VIEWER, method });
      }
      for (const path of [
        `/V/${credential}/mp4`,
        `//v/${credential}/mp4`,
        `/${credential}`,
        `/protected-vod/stream/v/${credential}/mp4`,
      ]) {
        await rawRequest(base + path, { ...VIEWER, headers: { referer: `${base}/v/${credential}/mp4` } });
      }
      await rawRequest(`http://127.0.0.1:${front.redirectPort}/v/${credential}/mp4`, VIEWER).catch(() => null);
      await rawRequest(`${base}/v/${credential}/mp4`, { ...VIEWER, headers: { range: 'bytes=999999999999-' } });
    }
    // While all streamers are away, what stands in front has most to say.
    await Promise.all(site.streamers.map((streamer) => streamer.kill('SIGTERM')));
    for (const credential of [session, token]) {
      for (const resource of [deployment.segment, 'hls/main.m3u8', 'mp4', 'live.flv']) {
        await rawRequest(deployment.address(credential, resource), VIEWER).catch(() => null);
      }
    }
    const written = await front.logs();
    expect(written.length).toBeGreaterThan(100);
    for (const text of [written, site.output()]) {
      expect(
        text.split('\n').filter((line) => CREDENTIAL.test(line) || line.includes(session) || line.includes(token)),
      ).toEqual([]);
    }
  });
}
