import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { picturesOf } from '../clients/flv.mjs';
import { RtmpClient, readUrl } from '../clients/rtmp.mjs';

import { CLIP, publishVideo, uploadFilm } from '../support/films';
import { freePort } from '../support/free-port';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { makeCertificate } from '../support/tls-certificate';
import { CURL_RTMP, FFMPEG, frameHashes, packetHashes, RTMPDUMP } from '../support/tools';

const run = promisify(execFile);

let site: PlaybackSite;
let video: string;
let scratch: string;
let rtmpsPort: number;
/** What each client brought home, or why it did not; all read at once, because all read at the speed of watching. */
const playing: Record<string, Promise<string>> = {};

/** Addresses under a fresh token. */
async function urls(): Promise<{ rtmp: string; httpFlv: string; wsFlv: string }> {
  return (await mint(site.app, video, site.viewer.jwt)).urls as { rtmp: string; httpFlv: string; wsFlv: string };
}

const rtmpsOf = (url: string) => url.replace(/^rtmp:\/\/127\.0\.0\.1:\d+/, `rtmps://127.0.0.1:${rtmpsPort}`);

async function dumpWebSocket(url: string, file: string): Promise<string> {
  const socket = new WebSocket(url);
  const frames: Buffer[] = [];
  socket.on('message', (data: Buffer) => frames.push(data));
  const code = await new Promise<number>((resolve, reject) => {
    socket.once('close', resolve);
    socket.once('error', reject);
  });
  expect(code).toBe(1000);
  await writeFile(file, Buffer.concat(frames));
  return file;
}

async function save(command: string, args: (file: string) => string[], file: string): Promise<string> {
  await run(command, args(file));
  return file;
}

async function copyWithFfmpeg(url: string, file: string): Promise<string> {
  return save(FFMPEG ?? '', (target) => ['-nostdin', '-v', 'error', '-i', url, '-c', 'copy', '-y', target], file);
}

function startAll(granted: Awaited<ReturnType<typeof urls>>[]): void {
  const [ffmpegRtmp, ffmpegFlv, ws, dump, curl, rtmps] = granted;
  const file = (name: string) => path.join(scratch, `${name}.flv`);
  if (FFMPEG) {
    playing['ffmpeg, RTMP'] = copyWithFfmpeg(ffmpegRtmp?.rtmp ?? '', file('ffmpeg-rtmp'));
    playing['ffmpeg, HTTP-FLV'] = copyWithFfmpeg(ffmpegFlv?.httpFlv ?? '', file('ffmpeg-http'));
    playing['ffmpeg, RTMPS'] = copyWithFfmpeg(rtmpsOf(rtmps?.rtmp ?? ''), file('ffmpeg-rtmps'));
  }
  playing['a WebSocket, WS-FLV'] = dumpWebSocket(ws?.wsFlv ?? '', file('ws'));
  if (RTMPDUMP)
    playing['rtmpdump, RTMP'] = save(RTMPDUMP, (to) => ['-q', '-r', dump?.rtmp ?? '', '-o', to], file('dump'));
  if (CURL_RTMP) playing['curl, RTMP'] = save(CURL_RTMP, (to) => ['-s', curl?.rtmp ?? '', '-o', to], file('curl'));
  // Each is looked at by a test of its own; until then a failure is nobody's.
  for (const result of Object.values(playing)) result.catch(() => undefined);
}

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'rtmp-flv-'));
  rtmpsPort = await freePort();
  const { keyFile, certificateFile } = makeCertificate(scratch, 'localhost');
  const tls = { port: rtmpsPort, keyFile, certificateFile };
  site = await startPlaybackSite({ pluginConfig: { streamer: { rtmp: { tls } } } });
  const source = (await uploadFilm(site.app, site.editor)).id;
  video = await publishVideo(site.app, site.editor, { source, allowedRoles: ['subscriber'] });
  startAll(await Promise.all(Array.from({ length: 6 }, urls)));
});

afterAll(async () => {
  await Promise.allSettled(Object.values(playing));
  await site?.app.stop();
  await rm(scratch, { recursive: true, force: true });
});

/** When each picture of the film is shown, in the order in which they are stored, in whole milliseconds. */
async function sourceTimes(): Promise<number[]> {
  const args = ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', CLIP];
  const { stdout } = await run('ffprobe', args);
  return stdout
    .trim()
    .split('\n')
    .map((line) => Math.round(Number.parseFloat(line) * 1000));
}

const CLIENTS = [
  ...(FFMPEG ? ['ffmpeg, RTMP', 'ffmpeg, HTTP-FLV', 'ffmpeg, RTMPS'] : []),
  'a WebSocket, WS-FLV',
  ...(RTMPDUMP ? ['rtmpdump, RTMP'] : []),
  ...(CURL_RTMP ? ['curl, RTMP'] : []),
];

describe('Big Buck Bunny over the addresses of the token answer, read to its end at once', () => {
  it('the answer names them where the visitor can reach them', async () => {
    const { rtmp, httpFlv, wsFlv } = await urls();
    expect(rtmp).toMatch(new RegExp(`^rtmp://127\\.0\\.0\\.1:\\d+/vod/${video}\\?token=`));
    expect(wsFlv).toBe(httpFlv.replace(/^http:/, 'ws:').replace(/eyJ[^/]+/, /eyJ[^/]+/.exec(wsFlv)?.[0] ?? ''));
    expect(new URL(httpFlv).origin).toBe(site.app.url);
  });

  describe.skipIf(!FFMPEG)('every frame', () => {
    it.each(CLIENTS)('%s: 720 of 720 coded pictures, each identical to the source’s', async (client) => {
      const pictures = await packetHashes((await playing[client]) ?? '');
      expect(pictures).toHaveLength(720);
      expect(pictures).toEqual(await packetHashes(CLIP));
    });

    it('one file of each protocol decodes to 720 frames, each identical to the source’s', {
      timeout: 600_000,
    }, async () => {
      const source = await frameHashes(CLIP);
      for (const client of ['ffmpeg, RTMP', 'ffmpeg, HTTP-FLV', 'a WebSocket, WS-FLV'])
        expect([client, await frameHashes((await playing[client]) ?? '')]).toEqual([client, source]);
    });

    // ffmpeg writes times of its own; these clients keep what they were sent.
    it.each(CLIENTS.filter((client) => !client.startsWith('ffmpeg')))(
      '%s: shown when the source shows them, decoded no later and in rising order',
      async (client) => {
        const pictures = picturesOf(await readFile((await playing[client]) ?? ''));
        expect(pictures.map(({ ptsMs }) => ptsMs)).toEqual(await sourceTimes());
        expect(pictures.filter(({ dtsMs, ptsMs }) => dtsMs > ptsMs)).toEqual([]);
        const decoded = pictures.map(({ dtsMs }) => dtsMs);
        expect(decoded).toEqual([...decoded].sort((one, other) => one - other));
      },
    );
  });
});

describe('RTMP from a player that seeks', () => {
  it('seek to 20 s: the first picture is the last key picture before it, at 15.75 s', async () => {
    const client = await RtmpClient.open((await urls()).rtmp);
    await client.until(() => client.pictures().length > 10, 'pictures');
    const heard = client.messages.length;
    client.say(1, 'seek', null, 20_000);
    await client.heard('NetStream.Seek.Notify');
    const isPicture = ({ type, body, timestampMs }: { type: number; body: Buffer; timestampMs: number }) =>
      type === 9 && body[1] === 1 && timestampMs > 10_000;
    const first = await client.until(() => client.messages.slice(heard).find(isPicture), 'the new place');
    expect((first.body[0] ?? 0) >> 4).toBe(1);
    expect(first.timestampMs + first.body.readIntBE(2, 3)).toBe(15_750);
    client.close();
  });

  it('plays to the end, and again from a seek back', async () => {
    const client = await RtmpClient.open((await urls()).rtmp, { startMs: 27_000 });
    await client.heard('NetStream.Play.Stop');
    const shown = client.pictures().map(({ timestampMs, body }) => timestampMs + body.readIntBE(2, 3));
    expect(Math.min(...shown)).toBe(23_042);
    expect(Math.max(...shown)).toBe(29_958);
    const heard = client.messages.length;
    client.say(1, 'seek', null, 0);
    await client.heard('NetStream.Seek.Notify');
    await client.until(() => client.messages.length > heard + 50, 'the film again');
    expect(client.messages.slice(heard).find(({ type, body }) => type === 9 && body[1] === 1)?.timestampMs).toBe(0);
    client.close();
  });

  it('over TLS', async () => {
    const { app, name } = readUrl((await urls()).rtmp);
    const client = await RtmpClient.connect({ port: rtmpsPort, tls: { rejectUnauthorized: false } });
    await client.openApp(app);
    client.play(await client.createStream(), name);
    await client.until(() => client.pictures().length > 10, 'pictures');
    client.close();
  });
});
