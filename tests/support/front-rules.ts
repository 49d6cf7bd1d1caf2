import { readFile } from 'node:fs/promises';
import https from 'node:https';
import path from 'node:path';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Deployment } from './deployment-rules';
import { CLIP, publishVideo } from './films';
import { HOST_NAME } from './front-servers';
import { rawRequest } from './raw-request';
import { readSlowly } from './slow-reader';
import { repeatFilm } from './tools';
import { uploadFilmByTus } from './tus-upload';
import { until } from './until';

const VIEWER = { from: '127.0.7.1', headers: { 'user-agent': 'viewer' } };
const MIB = 1024 ** 2;

function statusOverTls({ front }: Deployment, resource: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const where = { host: '127.0.0.1', port: front.tlsPort, path: resource, servername: HOST_NAME };
    https
      .get({ ...where, ca: front.certificate.pem, headers: { host: HOST_NAME } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .on('error', reject);
  });
}

/** Of the samples that end TLS and lead to Strapi as well. */
export function describeWholeSite(deployed: () => Deployment): void {
  it('answers over TLS under its own name, and sends plain HTTP there', async () => {
    expect(await statusOverTls(deployed(), '/v/')).toBe(401);
    const { front } = deployed();
    const { status, headers } = await rawRequest(`http://127.0.0.1:${front.redirectPort}/admin`, {
      headers: { host: HOST_NAME },
    });
    expect([status, headers.location]).toEqual([301, `https://${HOST_NAME}/admin`]);
  });

  it('leads to Strapi for the admin panel and the token, and nobody outside to its internal routes', async () => {
    const { site, front } = deployed();
    const base = `http://127.0.0.1:${front.port}`;
    expect((await rawRequest(`${base}/admin/init`, VIEWER)).status).toBe(200);
    const answer = await rawRequest(`${base}/api/protected-vod/videos/${site.video}/playback-token`, {
      ...VIEWER,
      method: 'POST',
      headers: { authorization: `Bearer ${site.viewer.jwt}` },
    });
    expect(answer.status).toBe(200);
    for (const name of ['internal', '%69nternal', 'Internal']) {
      const route = `${base}/api/protected-vod/${name}/introspect`;
      expect([name, [403, 404].includes((await rawRequest(route, { ...VIEWER, method: 'POST' })).status)]).toEqual([
        name,
        true,
      ]);
    }
    expect((await rawRequest(`${base}/edge/authorize`, VIEWER)).status).toBe(404);
  });

  it('WebSocket reaches live.flv, with the right and without', async () => {
    const { address, openSession } = deployed();
    const open = (credential: string) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(address(credential, 'live.flv').replace('http', 'ws'), {
          localAddress: VIEWER.from,
          headers: VIEWER.headers,
        });
        socket.once('message', (data: Buffer) => {
          resolve(data.subarray(0, 3).toString('latin1'));
          socket.terminate();
        });
        socket.on('error', (error) => resolve(error.message));
      });
    expect(await open(await openSession())).toBe('FLV');
    expect(await open('garbage')).toMatch(/40[13]/);
  });
}

/** What two connections may hold in the kernel at most, and some for the processes. */
async function bufferBytes(): Promise<number> {
  const largest = async (name: string) =>
    Number((await readFile(`/proc/sys/net/ipv4/${name}`, 'utf8')).trim().split(/\s+/).at(-1));
  return 2 * ((await largest('tcp_rmem')) + (await largest('tcp_wmem'))) + 2 * MIB;
}

/** Of every sample; takes `times` × 22 MB of film. */
export function describeSlowReader(deployed: () => Deployment, times: number): void {
  it(`S15 a slow reader of ${times} × 22 MB gets a bounded rest after the end of the session`, async () => {
    const { site, address, openSession } = deployed();
    const { app, editor } = site;
    const film = path.join(site.directory, 'long.mp4');
    await repeatFilm(CLIP, times, film);
    const source = (await uploadFilmByTus(app, editor, film)).id;
    const video = await publishVideo(app, editor, { source });
    const session = await openSession(video);
    const reader = await readSlowly(address(session, 'download'), VIEWER.from, 'viewer');
    await until('bytes flow', () => reader.bytes() > 2 * MIB);
    await app.strapi.plugin('protected-vod').service('playback-session').store.endScope({ video }, 'ended-by-editor');
    for (const { port } of site.streamers) {
      const asked = `http://127.0.0.1:${port}/v/${session}/hls/main.m3u8`;
      // An answer that is under way when the session ends is cut.
      const status = () =>
        rawRequest(asked, VIEWER).then(
          (answer) => answer.status,
          () => 0,
        );
      await until('each streamer knows', async () => (await status()) === 403);
    }
    const rest = await reader.drain();
    console.log(`${(rest / MIB).toFixed(1)} MiB came after the end of ${((times * 22_718_509) / MIB).toFixed(0)}`);
    expect(rest).toBeLessThan(await bufferBytes());
  });
}
