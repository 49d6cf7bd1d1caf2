import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATOR_CREDENTIAL_HEADER, operatorSessionsSchema } from '../../server/contracts';
import { publishVideo, uploadFilm } from '../support/films';
import { freePort } from '../support/free-port';
import { streamerKeysOf, syncingStreamer } from '../support/internal';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { rawRequest } from '../support/raw-request';
import { startStrapiApp } from '../support/strapi-app';
import { until } from '../support/until';

const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');

let site: PlaybackSite;
let video: string;

beforeAll(async () => {
  site = await startPlaybackSite({ pluginConfig: { streamer: { logLevel: 'info' } } });
  const source = (await uploadFilm(site.app, site.editor)).id;
  video = await publishVideo(site.app, site.editor, { source, title: 'Big Buck\u001b[31m Bunny' });
});

afterAll(() => site.app.stop());

const streamer = () => site.app.strapi.plugin('protected-vod').service('streamer');

function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: site.app.storageRoot,
    env: {
      PATH: process.env.PATH ?? '',
      APP_KEYS: process.env.APP_KEYS ?? '',
      PORT: new URL(site.app.url).port,
      ...env,
    },
  });
  const told = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    told.out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    told.err += String(chunk);
  });
  return { child, told };
}

async function run(args: string[], env?: Record<string, string>) {
  const { child, told } = start(args, env);
  const [code] = await once(child, 'close');
  return { code, ...told };
}

/** Opens a session and returns its address. */
async function watch(): Promise<string> {
  const { urls } = await mint(site.app, video, site.viewer.jwt);
  return (await fetch(urls.hls ?? '')).url;
}

const runs = () => until('the streamer is RUNNING', () => streamer().status()?.state === 'RUNNING');

describe('protected-vod status', () => {
  it('prints one line a process and exits with 0 when all are RUNNING', async () => {
    await runs();
    const { code, out, err } = await run(['status']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^streamer {2}RUNNING {2}pid \d+, uptime \d+:\d\d:\d\d\n$/);
    expect(out).toContain(`pid ${streamer().status()?.pid},`);
  });

  it('exits with 1 while the streamer is not RUNNING', async () => {
    await streamer().stop();
    expect(await run(['status'])).toMatchObject({ code: 1, out: expect.stringMatching(/^streamer {2}STOPPED/) });
    streamer().start();
    await runs();
  });

  it('exits with 1 and says so when Strapi cannot be reached', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const { code, out, err } = await run(['status', '--url', url]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(`protected-vod: Strapi does not answer at ${url}.\n`);
  });

  it('exits with 1 when this app has another secret', async () => {
    const { code, err } = await run(['status'], { APP_KEYS: 'x8Vd2mPz7LrXw1Tn' });
    expect(code).toBe(1);
    expect(err).toContain('another secret');
  });
});

describe('protected-vod restart', () => {
  it('starts another process and waits until it is RUNNING', async () => {
    await runs();
    const { pid } = streamer().status() ?? {};
    const { code, out } = await run(['restart']);
    expect({ code, state: streamer().status()?.state }).toEqual({ code: 0, state: 'RUNNING' });
    expect(out).toContain(`pid ${streamer().status()?.pid},`);
    expect(streamer().status()?.pid).not.toBe(pid);
    await site.app.strapi.plugin('protected-vod').service('audit').flush();
    const told = site.app.strapi.db.query('plugin::protected-vod.audit-event');
    expect(await told.findMany({ where: { kind: 'restart' } })).toMatchObject([
      { reason: 'streamer-restarted-by-operator', originKind: null, actor: null },
    ]);
  });
});

describe('a restart', () => {
  it('lets a running response finish, through the proxy of Strapi', async () => {
    await runs();
    const { urls } = await mint(site.app, video, site.viewer.jwt);
    const { url } = await fetch(urls.hls ?? '');
    const segment = new URL('source-v1/1.m4s', url);
    const whole = (await (await fetch(segment)).arrayBuffer()).byteLength;
    const [answer] = (await once(http.get(segment, { agent: false }), 'response')) as [http.IncomingMessage];
    answer.pause();
    const { pid } = streamer().status() ?? {};
    const restarted = streamer().restart();
    await until('it is stopping', () => streamer().status()?.state !== 'RUNNING');
    let bytes = 0;
    for await (const chunk of answer) bytes += (chunk as Buffer).length;
    expect({ bytes, complete: answer.complete }).toEqual({ bytes: whole, complete: true });
    await restarted;
    await runs();
    expect(streamer().status()?.pid).not.toBe(pid);
  });
});

describe('protected-vod tail', () => {
  it('prints the last lines of the log, S21 without credentials', async () => {
    const address = await watch();
    await until('it is logged', async () => (await run(['tail', '-n', '5'])).out.includes('"status":200'));
    const { code, out } = await run(['tail', '-n', '2']);
    expect(code).toBe(0);
    expect(out.trimEnd().split('\n')).toHaveLength(2);
    for (const line of out.trimEnd().split('\n')) expect(JSON.parse(line)).toMatchObject({ process: 'streamer' });
    expect((await run(['tail', '-n', '1000'])).out).not.toContain(address.split('/')[6]);
  });

  it('-f goes on with the lines that come', async () => {
    const { child, told } = start(['tail', '-f', '-n', '0']);
    const address = await watch();
    await until('the line has come', async () => {
      await fetch(address);
      return told.out.includes('"status":200');
    });
    child.kill('SIGTERM');
    await once(child, 'close');
  });
});

describe('protected-vod sessions', () => {
  it('lists who watches what, and steers no terminal', async () => {
    await watch();
    const { code, out } = await run(['sessions']);
    expect(code).toBe(0);
    const [headings, ...rows] = out.trimEnd().split('\n');
    expect(headings).toMatch(/^ID +VIEWER +ROLE +VIDEO +STARTED +IDLE +CLIENT +MIB$/);
    expect(rows[0]).toMatch(/^[0-9a-f]{8} .*subscriber.*Big Buck\?\[31m Bunny.* 127\.0\.0\.0\/24 /);
    expect(out).not.toContain('\u001b');
    const json: unknown = JSON.parse((await run(['sessions', '--json'])).out);
    expect(operatorSessionsSchema.parse({ sessions: json }).sessions).toHaveLength(rows.length);
  });

  it('end ends one, and a wrong id fails', async () => {
    const address = await watch();
    expect((await fetch(address)).status).toBe(200);
    const json: unknown = JSON.parse((await run(['sessions', '--json'])).out);
    const [latest] = operatorSessionsSchema.parse({ sessions: json }).sessions;
    expect(await run(['sessions', 'end', latest?.id ?? ''])).toMatchObject({ code: 0, err: '' });
    // What is under way when the session ends is cut.
    await until('it is refused', async () => (await fetch(address).catch(() => null))?.status === 403);
    expect(await run(['sessions', 'end', latest?.id ?? ''])).toMatchObject({
      code: 1,
      err: 'protected-vod: No such active session.\n',
    });
    expect((await run(['sessions', 'end', '%'])).code).toBe(1);
  });
});

describe('the operator endpoints', () => {
  const ask = (credential: string | null, headers: Record<string, string> = {}, name = 'status') =>
    rawRequest(`${site.app.url}/api/protected-vod/internal/operator/${name}`, {
      method: 'POST',
      headers: { ...headers, ...(credential !== null && { [OPERATOR_CREDENTIAL_HEADER]: credential }) },
    });
  const credential = (): string => site.app.strapi.plugin('protected-vod').service('keys').keyring().operatorCredential;

  it("S1 answer nobody without the operator's own credential, which the streamer does not hold", async () => {
    expect((await ask(credential())).status).toBe(200);
    for (const wrong of [null, '', 'x', streamerKeysOf(site.app).credential]) {
      const { status, body } = await ask(wrong);
      expect({ status, body: body.toString() }).toEqual({ status: 403, body: '{"error":{"code":"forbidden"}}' });
    }
    expect((await ask(null, {}, 'nothing')).status).toBe(403);
    expect((await ask(credential(), {}, 'nothing')).status).toBe(404);
  });

  it.each(['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'Via', 'X-Forwarded-Host'])(
    'refuse what came through a proxy (%s), with the right credential too',
    async (header) => {
      expect((await ask(credential(), { [header]: '127.0.0.1' })).status).toBe(403);
    },
  );
});

describe('in external mode', () => {
  it('status tells the streamers that have synced lately, and exits with 1 if none has', async () => {
    await site.app.stop();
    const streamer = { mode: 'external', publicUrl: 'http://127.0.0.1:9' };
    site = { ...site, app: await startStrapiApp({ pluginConfig: { streamer } }) };
    expect(await run(['status'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('no external streamer'),
    });
    await syncingStreamer(site.app)([]);
    expect(await run(['status'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^streamer {2}EXTERNAL {2}[0-9a-f]{8}, last sync \d s ago\n$/),
    });
    expect(await run(['restart'])).toMatchObject({ code: 1, err: expect.stringContaining('runs no streamer') });
  });
});
