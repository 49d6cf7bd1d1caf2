import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive } from '../support/is-alive';
import { type SiteProcess, startSiteProcess } from '../support/site-process';
import { newSecrets } from '../support/site-secrets';
import { until } from '../support/until';

const STREAMER = path.resolve(import.meta.dirname, '../../dist/streamer/index.js');

let directory: string;
const sites: SiteProcess[] = [];
const children: ChildProcess[] = [];
let stranger: Server | undefined;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'protected-vod-shared-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(sites.splice(0).map((site) => site.dispose()));
  stranger?.close();
  rmSync(directory, { recursive: true });
});

/** A site whose runtime directory, secrets and files are those of each other one that is started here. */
async function startSite(streamer: Record<string, unknown> = {}): Promise<SiteProcess> {
  secrets ??= newSecrets();
  const site = await startSiteProcess({
    env: {
      ...secrets,
      XDG_RUNTIME_DIR: directory,
      DATABASE_CLIENT: 'sqlite',
      DATABASE_FILENAME: path.join(directory, 'data.db'),
      PROTECTED_VOD_TEST_CONFIG: JSON.stringify({ storage: { root: path.join(directory, 'storage') }, streamer }),
    },
  });
  sites.push(site);
  return site;
}
let secrets: Record<string, string> | undefined;

const sockets = (): string => path.join(directory, `protected-vod-${process.getuid?.()}`);

describe('the streamer that is shared', () => {
  it('of six that start at once on one control socket, one serves and five step back', async () => {
    const settings = {
      keys: { credential: randomBytes(32).toString('base64url'), publicKeys: {} },
      internalUrl: 'http://127.0.0.1:9/api/protected-vod/internal',
      storageRoot: directory,
      cacheDir: path.join(directory, 'cache'),
      controlPath: path.join(directory, 'control'),
    };
    const answers = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const child = fork(STREAMER, [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
        children.push(child);
        child.send({ type: 'start', settings });
        const [message] = (await once(child, 'message')) as [{ type: string }];
        return message.type;
      }),
    );
    expect(answers.toSorted()).toEqual(['listening', ...Array(5).fill('occupied')]);
  });

  it('S4 a stranger at its socket is not adopted, and learns neither credential nor proof', async () => {
    const first = await startSite();
    await first.running();
    const [name = ''] = readdirSync(sockets());
    first.process.kill('SIGKILL');
    await once(first.process, 'exit');
    rmSync(path.join(sockets(), name));
    let heard = '';
    stranger = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        heard += String(chunk);
        // Its own proof sent back.
        socket.write(`${JSON.stringify({ type: 'welcome', proof: JSON.parse(String(chunk)).proof })}\n`);
      });
      socket.write(`${JSON.stringify({ type: 'challenge', nonce: randomBytes(32).toString('base64url') })}\n`);
    }).listen(path.join(sockets(), name));
    await once(stranger, 'listening');
    const second = await startSite();
    const { url } = await second.running();
    expect((await fetch(`${url}/protected-vod/stream/v/nonsense/mp4`)).status).toBe(403);
    expect(second.output()).toContain('a stranger holds the control socket');
    expect(
      heard
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).type),
    ).toEqual(['hello']);
    expect(heard).not.toMatch(/attach|internalUrl/);
  });

  it('a directory for sockets that others may enter is not used', async () => {
    mkdirSync(sockets());
    chmodSync(sockets(), 0o755);
    await (await startSite()).running();
    expect(readdirSync(sockets())).toEqual([]);
  });

  it('a Strapi with other settings runs one of its own, and says so', async () => {
    const first = await (await startSite()).running();
    const other = await startSite({ drainSeconds: 1 });
    const second = await other.running();
    expect(second.pid).not.toBe(first.pid);
    await other.when(() => (other.output().includes('runs with other settings') ? true : null));
  });

  it('above its memory ceiling it is replaced, and the log says why', async () => {
    const site = await startSite({ maxMemoryBytes: 1 });
    const { pid } = await site.running();
    await site.running(pid);
    expect(site.output()).toMatch(/more than streamer\.maxMemoryBytes \(0 MiB\); it is replaced/);
    await until('the old one has gone', () => !isAlive(pid));
  });
});
