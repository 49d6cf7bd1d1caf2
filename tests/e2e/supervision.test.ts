import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { isAlive } from '../support/is-alive';
import { type SiteProcess, type SiteProcessOptions, startSiteProcess } from '../support/site-process';
import { SECRET_NAMES } from '../support/site-secrets';
import { until } from '../support/until';

const MOUNT = '/protected-vod/stream';
const TEMPLATE_KEYS = 'toBeModified1,toBeModified2';

let site: SiteProcess | undefined;
afterEach(async () => {
  await site?.dispose();
});

async function start(options?: SiteProcessOptions): Promise<SiteProcess> {
  site = await startSiteProcess(options);
  return site;
}

/** The ingest worker that a process has started. */
function workerOf(parent: number): number | null {
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const isIngest = readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('dist/ingest');
      const [, ppid] = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      if (isIngest && Number(ppid) === parent) return Number(name);
    } catch {
      // It has ended meanwhile.
    }
  }
  return null;
}

describe('supervision of the streamer by Strapi', () => {
  it("S16 viewers reach the streamer on Strapi's port, and only the allowed paths of it", async () => {
    const { url } = await (await start()).running();
    const statuses = async (paths: string[]) =>
      Promise.all(paths.map(async (path) => (await fetch(url + MOUNT + path)).status));
    expect(await statuses(['/v/nonsense/hls/main.m3u8'])).toEqual([403]);
    expect(await statuses(['/metrics', '/readyz', '/..%2fmetrics', '/v/..%2f..%2fmetrics'])).toEqual([
      404, 404, 404, 404,
    ]);
  });

  it("S1 the streamer's /proc/<pid>/environ holds no Strapi secret", async () => {
    const { pid } = await (await start({ env: { PROTECTED_VOD_SECRET: 'Xq7-long-enough-and-mixed-0419' } })).running();
    const environ = await readFile(`/proc/${pid}/environ`, 'utf8');
    const names = environ.split('\0').map((entry) => entry.split('=')[0]);
    for (const name of [...SECRET_NAMES, 'PROTECTED_VOD_SECRET', 'DATABASE_FILENAME'])
      expect(names).not.toContain(name);
    expect(environ).not.toContain('Xq7-long-enough');
  });

  it('a killed streamer is replaced, and the proxy finds the new one', async () => {
    const started = await start();
    const first = await started.running();
    process.kill(first.pid, 'SIGKILL');
    const second = await started.running(first.pid);
    expect(started.status()?.restarts).toBe(1);
    expect((await fetch(`${second.url}${MOUNT}/v/nonsense/mp4`)).status).toBe(403);
  });

  it('SIGTERM of Strapi ends the streamer first', async () => {
    const started = await start();
    const { pid } = await started.running();
    started.process.kill('SIGTERM');
    if (started.process.exitCode === null) await once(started.process, 'exit');
    expect(isAlive(pid)).toBe(false);
  });

  it('SIGKILL of Strapi leaves no streamer', async () => {
    const started = await start();
    const { pid } = await started.running();
    started.process.kill('SIGKILL');
    await until('the streamer has gone', () => !isAlive(pid));
  });

  it('SIGKILL of Strapi leaves no ingest worker, and SIGTERM ends it first', async () => {
    const config = {
      storage: { root: path.join(tmpdir(), `protected-vod-${process.pid}`) },
      ingest: { mode: 'managed' },
    };
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const started = await start({ env: { PROTECTED_VOD_TEST_CONFIG: JSON.stringify(config) } });
      await started.running();
      const worker = await until('the worker is there', () => workerOf(started.process.pid ?? 0));
      started.process.kill(signal);
      if (started.process.exitCode === null) await once(started.process, 'exit');
      if (signal === 'SIGTERM') expect(isAlive(worker)).toBe(false);
      await until('the worker has gone', () => !isAlive(worker));
      await started.dispose();
    }
    await rm(config.storage.root, { recursive: true, force: true });
  });

  it('a Strapi that is only loaded, as by `strapi console`, starts no streamer', async () => {
    const started = await start({ command: 'load' });
    const status = await started.when(() => started.status());
    expect(status).toMatchObject({ state: 'STOPPED', pid: null, sitePort: null });
  });

  it('S2 with a template secret the site serves, no streamer starts, and the log says once what to do', async () => {
    const started = await start({ env: { APP_KEYS: TEMPLATE_KEYS } });
    const { sitePort } = await started.when(() => (started.status()?.sitePort ? started.status() : null));
    expect((await fetch(`http://127.0.0.1:${sitePort}/_health`)).status).toBe(204);
    expect((await fetch(`http://127.0.0.1:${sitePort}${MOUNT}/v/nonsense/mp4`)).status).toBe(503);
    expect(started.status()).toMatchObject({ state: 'STOPPED', pid: null });
    expect(started.output().match(/the streamer is not started\. .*app\.keys/g)).toHaveLength(1);
  });

  it('S21 what a viewer asks for stands in no log of Strapi or the streamer', async () => {
    const started = await start({ env: { LOG_LEVEL: 'silly' } });
    const { url } = await started.running();
    for (const path of ['/v/the-secret-token/mp4', '/x/the-secret-token', '/v/%2e%2e/the-secret-token']) {
      await fetch(url + MOUNT + path);
    }
    await fetch(`${url}/logged-after-all-these`);
    await started.when(() => (started.output().includes('logged-after-all-these') ? true : null));
    expect(started.output()).not.toContain('the-secret-token');
  });
});
