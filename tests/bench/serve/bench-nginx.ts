import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { renderSample } from '../../support/deploy-sample';
import { freePort } from '../../support/free-port';
import { startServerProcess } from '../../support/server-process';
import { makeCertificate } from '../../support/tls-certificate';
import { NGINX } from '../../support/tools';
import { familyOf, pinned, SERVER_CORE } from '../machine';

export interface BenchServer {
  port: number;
  pids(): number[];
  stop(): Promise<void>;
}

/** What answers `auth_request` here can do nothing cheaper: it says yes. */
const BACKEND = `require('node:http')
  .createServer((request, response) => response.writeHead(204).end())
  .listen(Number(process.argv[1]), '127.0.0.1');`;

/** The headers of a segment from the streamer, apart from ETag, which nginx makes itself. */
const HEADERS = [
  'X-Content-Type-Options nosniff',
  'Referrer-Policy no-referrer',
  `Content-Security-Policy "default-src 'none'; sandbox; frame-ancestors 'none'"`,
  'Cross-Origin-Resource-Policy cross-origin',
  'Vary Origin',
  'Cache-Control "private, max-age=3600"',
]
  .map((header) => `add_header ${header};`)
  .join(' ');

function mainConf(directory: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off; pcre_jit on; pid ${directory}/nginx.pid; user root; worker_processes 1; error_log ${directory}/error.log error;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on; tcp_nopush on; open_file_cache max=2000 inactive=60s; keepalive_requests 100000000;
  types { video/mp4 mp4 m4s; }
  ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join(' ')}
  ${http}
}`;
}

async function startNginx(directory: string, port: number, http: string): Promise<BenchServer> {
  const file = path.join(directory, 'nginx.conf');
  await writeFile(file, mainConf(directory, http));
  const args = ['-p', directory, '-c', file, '-e', path.join(directory, 'start.log')];
  const [command = '', ...rest] = pinned(SERVER_CORE, [NGINX ?? 'nginx', ...args]);
  const server = await startServerProcess({ file: command, args: rest, port });
  return { port, pids: () => familyOf(server.pid), stop: () => server.stop() };
}

/**
 * What people would put in front of files: `auth_request` to a backend for every request, or, with `cached`, once a second for
 * each address, query included. Serves `root`.
 */
export async function startPlainNginx(directory: string, root: string, cached: boolean): Promise<BenchServer> {
  await mkdir(directory, { recursive: true });
  const [port, backendPort] = [await freePort(), await freePort()];
  const [file = '', ...args] = pinned(SERVER_CORE, [process.execPath, '-e', BACKEND, String(backendPort)]);
  const backend = await startServerProcess({ file, args, port: backendPort });
  const cache = `proxy_cache permissions; proxy_cache_key $request_uri; proxy_cache_valid 204 1s;`;
  const nginx = await startNginx(
    directory,
    port,
    `proxy_cache_path ${directory}/permissions keys_zone=permissions:10m;
  upstream backend { server 127.0.0.1:${backendPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    root ${root};
    location / { auth_request /authorize; ${HEADERS} }
    location = /authorize {
      internal;
      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_set_header X-Original-URI $request_uri;
      ${cached ? cache : ''}
    }
  }`,
  );
  return {
    port,
    pids: () => [...nginx.pids(), ...familyOf(backend.pid)],
    async stop() {
      await nginx.stop();
      await backend.stop();
    },
  };
}

export interface SampleParts {
  directory: string;
  sample: 'nginx-accel.conf' | 'nginx-edge.conf';
  streamerPort: number;
  cacheDir: string;
}

/** One of the sample configurations as it stands, without TLS and log, which the other side has not either. */
export async function startSampleNginx(parts: SampleParts): Promise<BenchServer> {
  const { directory, sample, streamerPort, cacheDir } = parts;
  await mkdir(directory, { recursive: true });
  makeCertificate(directory, 'vod.example.org');
  const [port, redirectPort] = [await freePort(), await freePort()];
  const permissions = `/dev/shm/protected-vod-bench-${port}`;
  const text = renderSample(sample, [
    ['listen 80;', `listen 127.0.0.1:${redirectPort};`],
    [/listen 443 ssl;/, `listen 127.0.0.1:${port};`],
    ['/etc/ssl/vod.example.org', directory],
    ['access_log /var/log/nginx/protected-vod.log vod;', 'access_log off;'],
    ['/var/log/nginx', directory],
    ['/var/cache/protected-vod', cacheDir],
    // One session has many connections here.
    ...(sample === 'nginx-edge.conf'
      ? ([['limit_conn vod_sessions 8;', 'limit_conn vod_sessions 1000;']] as const)
      : []),
    // In memory, as the sample has it: on a disk a permission costs ten times as much.
    ...(sample === 'nginx-edge.conf' ? ([['/dev/shm/protected-vod-edge', permissions]] as const) : []),
  ]);
  const upstreams = renderSample('nginx-upstreams.conf', [
    [/\n {2}server 127\.0\.0\.1:808[23][^\n]*/, ''],
    ['127.0.0.1:8081', `127.0.0.1:${streamerPort}`],
  ]);
  const server = await startNginx(directory, port, upstreams + text);
  return {
    ...server,
    async stop() {
      await server.stop();
      await rm(permissions, { recursive: true, force: true });
    },
  };
}
