import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Replacements, renderSample } from './deploy-sample';
import { freePort } from './free-port';
import { type ServerProcess, startServerProcess } from './server-process';
import { makeCertificate, type TlsCertificate } from './tls-certificate';
import { HAPROXY, NGINX, VARNISHD } from './tools';

export const HOST_NAME = 'vod.example.org';

/** A sample deployment that runs, in front of a site. */
export interface FrontServer {
  process: ServerProcess;
  /** Plain HTTP, for clients that know nothing of our certificate. Not part of the sample. */
  port: number;
  tlsPort: number;
  redirectPort: number;
  rtmpPort: number;
  certificate: TlsCertificate;
  /** All that it has written, to whatever file. */
  logs(): Promise<string>;
}

/** What stands behind. */
export interface FrontedSite {
  streamers: readonly { port: number; opsPort?: number; rtmpPort?: number }[];
  app: { url: string };
  /** The streamers' `cacheDir`. */
  cacheDir: string;
  /** An empty directory for configuration and logs. */
  directory: string;
}

interface Ports {
  port: number;
  tlsPort: number;
  redirectPort: number;
  rtmpPort: number;
}

async function takePorts(port: number): Promise<Ports> {
  return { port, tlsPort: await freePort(), redirectPort: await freePort(), rtmpPort: await freePort() };
}

async function logsIn(directory: string, process: ServerProcess): Promise<string> {
  const texts = [process.output()];
  for (const file of await readdir(directory)) texts.push(await readFile(path.join(directory, file), 'utf8'));
  return texts.join('\n');
}

/** The samples name three streamers and two Strapis; what the site does not have is down. */
async function backends(site: FrontedSite, form: (port: number | string) => string): Promise<Replacements> {
  const dead = String(await freePort());
  const port = (at: number) => String(site.streamers[at]?.port ?? dead);
  return [
    [form(8081), form(port(0))],
    [form(8082), form(port(1))],
    [form(8083), form(port(2))],
  ];
}

async function strapis(site: FrontedSite): Promise<Replacements> {
  return [
    ['127.0.0.1:1337', new URL(site.app.url).host],
    ['127.0.0.1:1338', `127.0.0.1:${await freePort()}`],
  ];
}

function nginxMain(directory: string, samples: string[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return [
    'daemon off;',
    `pid ${directory}/nginx.pid;`,
    // Ignored with a warning where we are somebody else; then the files are ours too.
    'user root;',
    'worker_processes 1;',
    `error_log ${directory}/logs/main-error.log error;`,
    'events { worker_connections 512; }',
    'http {',
    `access_log ${directory}/logs/main-access.log;`,
    ...temporary.map((name) => `${name}_temp_path ${directory}/${name};`),
    ...samples.map((sample) => `include ${directory}/${sample};`),
    '}',
  ].join('\n');
}

/** `sample`: nginx-accel.conf or nginx-edge.conf. */
export async function startNginx(site: FrontedSite, sample: string, publicPort: number): Promise<FrontServer> {
  const ports = await takePorts(publicPort);
  const directory = path.join(site.directory, 'nginx');
  await mkdir(path.join(directory, 'logs'), { recursive: true });
  const certificate = makeCertificate(directory, HOST_NAME);
  const upstreams = [...(await backends(site, (port) => `127.0.0.1:${port}`)), ...(await strapis(site))];
  await writeFile(path.join(directory, 'nginx-upstreams.conf'), renderSample('nginx-upstreams.conf', upstreams));
  const text = renderSample(sample, [
    ['listen 80;', `listen 127.0.0.1:${ports.redirectPort};`],
    ['listen 443 ssl;', `listen 127.0.0.1:${ports.tlsPort} ssl; listen 127.0.0.1:${ports.port};`],
    [`/etc/ssl/${HOST_NAME}`, directory],
    ['/var/log/nginx', `${directory}/logs`],
    ['/var/cache/protected-vod', site.cacheDir],
    ...(sample === 'nginx-edge.conf' ? ([['/dev/shm', directory]] as const) : []),
  ]);
  await writeFile(path.join(directory, sample), text);
  await writeFile(path.join(directory, 'nginx.conf'), nginxMain(directory, ['nginx-upstreams.conf', sample]));
  const args = ['-p', directory, '-c', path.join(directory, 'nginx.conf'), '-e', `${directory}/logs/start.log`];
  const server = await startServerProcess({ file: NGINX ?? 'nginx', args, port: ports.port });
  return { ...ports, process: server, certificate, logs: () => logsIn(path.join(directory, 'logs'), server) };
}

export async function startHaproxy(site: FrontedSite, publicPort: number): Promise<FrontServer> {
  const ports = await takePorts(publicPort);
  const directory = path.join(site.directory, 'haproxy');
  await mkdir(directory);
  const certificate = makeCertificate(directory, HOST_NAME);
  const dead = await freePort();
  const perStreamer = [0, 1, 2].flatMap((at) => {
    const { opsPort = dead, rtmpPort = dead } = site.streamers[at] ?? {};
    return [
      [`check port 910${at + 1}`, `check port ${opsPort}`],
      [`127.0.0.1:194${at + 1} `, `127.0.0.1:${rtmpPort} `],
    ] as const;
  });
  const text = renderSample('haproxy.cfg', [
    ['log /dev/log local0', 'log stdout format raw local0'],
    // As many descriptors as any machine gives.
    ['maxconn 20000', 'maxconn 200'],
    ['bind :80\n', `bind 127.0.0.1:${ports.redirectPort}\n`],
    [/bind :443 (.*)/, `bind 127.0.0.1:${ports.tlsPort} ssl crt CERTIFICATE\n  bind 127.0.0.1:${ports.port}`],
    ['unless { ssl_fc }', `unless { ssl_fc } or { dst_port ${ports.port} }`],
    ['bind :1936 ssl crt /etc/haproxy/vod.example.org.pem', `bind 127.0.0.1:${ports.rtmpPort} ssl crt CERTIFICATE`],
    ['CERTIFICATE', certificate.bundleFile],
    ...(await backends(site, (port) => `127.0.0.1:${port} `)),
    ...(await strapis(site)),
    ...perStreamer,
  ]);
  const file = path.join(directory, 'haproxy.cfg');
  await writeFile(file, text);
  const server = await startServerProcess({ file: HAPROXY ?? 'haproxy', args: ['-db', '-f', file], port: ports.port });
  return { ...ports, process: server, certificate, logs: async () => server.output() };
}

/** The switches that `varnish.vcl` asks for in its own words. */
function varnishMask(text: string): string {
  const asked = /vsl_mask=([\w,\\\n# -]*?)\n# because/.exec(text)?.[1];
  if (asked === undefined) throw new Error('varnish.vcl no longer says which records to mask');
  return asked.replace(/\\\n#\s*/g, '').trim();
}

export async function startVarnish(site: FrontedSite, publicPort: number): Promise<FrontServer> {
  const ports = await takePorts(publicPort);
  const directory = path.join(site.directory, 'varnish');
  await mkdir(directory);
  const text = renderSample('varnish.vcl', await backends(site, (port) => `.port = "${port}"`));
  const file = path.join(directory, 'varnish.vcl');
  await writeFile(file, text);
  const args = ['-F', '-n', directory, '-a', `127.0.0.1:${ports.port}`, '-f', file, '-s', 'malloc,128m'];
  const server = await startServerProcess({
    file: VARNISHD ?? 'varnishd',
    args: [...args, '-j', 'none', '-p', `vsl_mask=${varnishMask(text)}`],
    port: ports.port,
  });
  const certificate = { certificateFile: '', keyFile: '', bundleFile: '', pem: '' };
  const sharedMemoryLog = () => execFileSync('varnishlog', ['-n', directory, '-d', '-g', 'raw'], { encoding: 'utf8' });
  return { ...ports, process: server, certificate, logs: async () => server.output() + sharedMemoryLog() };
}
