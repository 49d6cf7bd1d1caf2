import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { publishVideo, uploadFilm } from '../support/films';
import { upgrade } from '../support/hostile/conversations';
import { malformedHttp } from '../support/hostile/malformed-http';
import { stay, visit } from '../support/hostile/strangers';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { rawRequest } from '../support/raw-request';
import { until } from '../support/until';

const STRANGER = '127.0.66.6';
const MOUNT = '/protected-vod/stream';

let site: PlaybackSite;
let video: string;
let session: string;
/** Connections of the stranger that Strapi has not let go of. */
const open = new Set<Socket>();

beforeAll(async () => {
  site = await startPlaybackSite();
  video = await publishVideo(site.app, site.editor, { source: (await uploadFilm(site.app, site.editor)).id });
  session = await newSession();
  site.app.strapi.server.httpServer.on('connection', (socket: Socket) => {
    if (socket.remoteAddress !== STRANGER) return;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
});

afterAll(() => site.app.stop());

async function newSession(): Promise<string> {
  const { token } = await mint(site.app, video, site.viewer.jwt);
  const { headers } = await rawRequest(`${site.app.url}${MOUNT}/v/${token}/mp4`);
  return /ps_[A-Za-z0-9_-]{40}/.exec(headers.location ?? '')?.[0] ?? '';
}

// An error that nobody catches ends this process, which is Strapi's as well.
it.each(Object.keys(malformedHttp('')))(
  'at Strapi’s port, %s: Strapi and the streamer live and serve',
  async (name) => {
    const pieces = malformedHttp(session, MOUNT)[name] ?? [];
    const mutant = { name, door: 'http', pieces, manner: 'at once', farewell: 'reads on' } as const;
    const port = Number(new URL(site.app.url).port);
    await visit(mutant, { port, from: STRANGER });
    await visit({ ...mutant, manner: 'in pieces' }, { port, from: STRANGER });
    await visit({ ...mutant, farewell: 'resets' }, { port, from: STRANGER });
    await until('the stranger has gone', () => open.size === 0);
    const segment = await rawRequest(`${site.app.url}${MOUNT}/v/${session}/hls/source-v1/init.mp4`);
    expect(segment.status).toBe(200);
  },
);

it.each([`${MOUNT}/v/x/live.flv`, `${MOUNT}/v/x/mp4`])(
  'an upgrade of %s is let go of although its client stays',
  async (target) => {
    const socket = await stay([upgrade(target)], { port: Number(new URL(site.app.url).port), from: STRANGER });
    await until('Strapi has let go of it', () => open.size === 0);
    socket.destroy();
  },
);
