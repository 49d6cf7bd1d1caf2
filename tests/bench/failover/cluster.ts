import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { renderSample } from '../../support/deploy-sample';
import { type ExternalStreamer, startExternalStreamer } from '../../support/external-streamers';
import { publishVideo, uploadFilm } from '../../support/films';
import { freePort } from '../../support/free-port';
import { streamerKeysOf } from '../../support/internal';
import { PLAY } from '../../support/playback-site';
import { startSecondNode } from '../../support/second-node';
import { type ServerProcess, startServerProcess } from '../../support/server-process';
import type { SiteProcess } from '../../support/site-process';
import {
  createAdmin,
  createSiteRole,
  createSiteUser,
  grantPermission,
  type SiteUser,
} from '../../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../../support/strapi-app';
import { ffmpeg, NGINX } from '../../support/tools';

/** Something that can be killed and comes back. */
export interface Victim {
  name: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** Two Strapi and three streamers behind nginx, on PostgreSQL. */
export interface Cluster {
  /** A third Strapi on the same database, which nobody is sent to: it made the site, and ends sessions. */
  app: StrapiApp;
  /** Where viewers go, for tokens and for films. */
  url: string;
  video: string;
  users: SiteUser[];
  victims: Victim[];
  stop(): Promise<void>;
}

export interface ClusterOptions {
  filmSeconds: number;
  userCount: number;
}

/** Small pictures, so that a load of viewers costs the machine requests rather than bytes. */
async function makeFilm(target: string, seconds: number): Promise<void> {
  const video = ['-f', 'lavfi', '-i', `testsrc2=size=256x144:rate=25:duration=${seconds}`];
  const audio = ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`];
  const coding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-pix_fmt', 'yuv420p', '-b:v', '150k'];
  await ffmpeg(...video, ...audio, ...coding, '-c:a', 'aac', '-b:a', '32k', '-y', target);
}

function siteConfiguration(directory: string, port: number): string {
  return `daemon off;
pid ${directory}/nginx.pid;
user root;
worker_processes 1;
error_log ${directory}/error.log error;
events { worker_connections 4096; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`).join('\n  ')}
  include ${directory}/nginx-upstreams.conf;
  server {
    listen 127.0.0.1:${port} backlog=1024;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_connect_timeout 1s;
    # Nginx itself sends no POST twice that a server has seen.
    proxy_next_upstream error timeout http_502;
    location /v/ { proxy_pass http://vod_streamers; }
    location / { proxy_pass http://vod_strapi; }
  }
}
`;
}

async function startNginx(directory: string, port: number, ports: { streamers: number[]; sites: number[] }) {
  await mkdir(directory, { recursive: true });
  const backend = (placeholder: number, actual: number | undefined) =>
    [`127.0.0.1:${placeholder}`, `127.0.0.1:${actual ?? 9}`] as const;
  const upstreams = renderSample('nginx-upstreams.conf', [
    ...[8081, 8082, 8083].map((placeholder, at) => backend(placeholder, ports.streamers[at])),
    ...[1337, 1338].map((placeholder, at) => backend(placeholder, ports.sites[at])),
  ]);
  await writeFile(path.join(directory, 'nginx-upstreams.conf'), upstreams);
  await writeFile(path.join(directory, 'nginx.conf'), siteConfiguration(directory, port));
  const args = ['-p', directory, '-c', path.join(directory, 'nginx.conf')];
  return startServerProcess({ file: NGINX ?? 'nginx', args, port });
}

async function startSite(port: number): Promise<{ process: SiteProcess; victim: Omit<Victim, 'name'> }> {
  const start = async () => {
    const site = await startSecondNode({ PORT: String(port) });
    await site.listening();
    return site;
  };
  const held = { process: await start() };
  const victim = {
    kill: () => held.process.dispose(),
    async restart() {
      held.process = await start();
    },
  };
  return Object.assign(held, { victim });
}

/** Users of their own, so that one session can be ended by what its user loses. */
async function makeUsers(app: StrapiApp, count: number): Promise<SiteUser[]> {
  const role = await createSiteRole(app, 'subscriber');
  await grantPermission(app, role, PLAY);
  const users: SiteUser[] = [];
  for (let at = 0; at < count; at += 1) users.push(await createSiteUser(app, role, `viewer${at}`));
  return users;
}

export async function startCluster({ filmSeconds, userCount }: ClusterOptions): Promise<Cluster> {
  const [port, ...sitePorts] = [await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const app = await startStrapiApp({
    database: 'postgres',
    pluginConfig: { streamer: { mode: 'external', publicUrl: url } },
  });
  const editor = await createAdmin(app);
  const film = path.join(app.storageRoot, '../film.mp4');
  await makeFilm(film, filmSeconds);
  const video = await publishVideo(app, editor, { source: (await uploadFilm(app, editor, film)).id });
  const users = await makeUsers(app, userCount);

  const sites: Awaited<ReturnType<typeof startSite>>[] = [];
  for (const sitePort of sitePorts) sites.push(await startSite(sitePort));
  const directory = path.join(app.storageRoot, '../nginx');
  // Streamers are ready only once they reach Strapi, which they do through nginx; nginx needs to know their ports first.
  const streamerPorts = [await freePort(), await freePort(), await freePort()];
  const nginx: ServerProcess = await startNginx(directory, port, { streamers: streamerPorts, sites: sitePorts });
  const streamers: ExternalStreamer[] = [];
  const shared = {
    keys: streamerKeysOf(app),
    internalUrl: `${url}/api/protected-vod/internal`,
    storageRoot: app.storageRoot,
    env: { PROTECTED_VOD_TRUSTED_PROXIES: '127.0.0.1' },
  };
  for (const streamerPort of streamerPorts) {
    streamers.push(await startExternalStreamer({ ...shared, port: streamerPort }));
  }
  return {
    app,
    url,
    video,
    users,
    victims: [
      ...sites.map(({ victim }, at) => ({ name: `strapi ${at + 1}`, ...victim })),
      ...streamers.map((streamer, at) => ({
        name: `streamer ${at + 1}`,
        kill: () => streamer.kill('SIGKILL'),
        restart: () => streamer.start(),
      })),
    ],
    async stop() {
      for (const streamer of streamers) await streamer.dispose();
      await nginx.stop();
      for (const site of sites) await site.process.dispose();
      await app.stop();
    },
  };
}
