import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

function find(name: string): string | null {
  try {
    return execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
}

function execFileSyncOrNone(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8' });
  } catch {
    return '';
  }
}

/** Paths of what a machine may lack; tests that need one are skipped by name without it. */
export const FFMPEG = find('ffmpeg');
export const CHROMIUM = find('chromium') ?? find('chromium-browser') ?? find('google-chrome');
export const NGINX = find('nginx') ?? find('/usr/sbin/nginx');
export const HAPROXY = find('haproxy') ?? find('/usr/sbin/haproxy');
export const VARNISHD = find('varnishd') ?? find('/usr/sbin/varnishd');
export const SYSTEMD_ANALYZE = find('systemd-analyze');

/** With them the README backs up. */
export const SQLITE = find('sqlite3');
export const RSYNC = find('rsync');
export const PG_DUMP = find('pg_dump');
export const MARIADB_DUMP = find('mariadb-dump');

/** A client that offers HTTP/2 to servers of plain HTTP. */
export const CURL_HTTP2 = / HTTP2 /.test(execFileSyncOrNone('curl', '--version')) ? find('curl') : null;

/** librtmp's own client, and curl where it was built with librtmp. */
export const RTMPDUMP = find('rtmpdump');
export const CURL_RTMP = / rtmp /.test(execFileSyncOrNone('curl', '--version')) ? find('curl') : null;

/** Runs ffmpeg to its end; throws with its messages. */
export async function ffmpeg(...args: string[]): Promise<string> {
  const { stdout } = await execute(FFMPEG ?? 'ffmpeg', ['-nostdin', '-v', 'error', ...args], {
    maxBuffer: 256 * 1024 * 1024,
  });
  return stdout;
}

/**
 * MD5 of every decoded video frame, in order. Timestamps are left out: containers may start elsewhere, pictures may not
 * differ. `options` of ffmpeg are about the input.
 */
export async function frameHashes(input: string, options: string[] = []): Promise<string[]> {
  const report = await ffmpeg(
    ...options,
    '-i',
    input,
    '-map',
    '0:v:0',
    '-fps_mode',
    'passthrough',
    '-f',
    'framemd5',
    '-',
  );
  const rows = report.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return rows.map((line) => line.split(',').at(-1)?.trim() ?? '');
}

/** MD5 of every coded picture, in order; as cheap as reading. */
export async function packetHashes(input: string): Promise<string[]> {
  const report = await ffmpeg('-i', input, '-map', '0:v:0', '-c', 'copy', '-f', 'framemd5', '-');
  const rows = report.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return rows.map((line) => line.split(',').at(-1)?.trim() ?? '');
}

/** A film of `minutes`, made by repeating another without touching a picture. */
export async function repeatFilm(source: string, times: number, target: string): Promise<void> {
  await ffmpeg(
    '-stream_loop',
    String(times - 1),
    '-i',
    source,
    '-map',
    '0:v',
    '-map',
    '0:a',
    '-c',
    'copy',
    '-y',
    target,
  );
}
