import { readFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../../support/until';
import { type Supervised, supervise } from './supervised';

const SECRETS = { APP_KEYS: 'kept-from-children-1', PROTECTED_VOD_SECRET: 'kept-from-children-2', NODE_OPTIONS: '' };
const saved = { ...process.env };
let child: Supervised | undefined;

afterEach(async () => {
  await child?.supervisor.stop();
  process.env = { ...saved };
});

async function startAndListen(...args: Parameters<typeof supervise>): Promise<{ pid: number; port: number }> {
  const started = supervise(...args);
  child = started;
  started.supervisor.start();
  const port = await until('the child listens', () => started.ports[0]);
  return { port, pid: started.supervisor.status().pid ?? -1 };
}

describe('forked child', () => {
  it("S1 the child's /proc/<pid>/environ holds no Strapi secret, its command line no setting", async () => {
    Object.assign(process.env, SECRETS, { LC_ALL: 'C', TZ: 'UTC' });
    const { pid, port } = await startAndListen({ credential: 'only-by-ipc' });
    const environ = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').filter((entry) => entry !== '');
    const names = environ.map((entry) => entry.split('=')[0] ?? '');
    const allowed = ['PATH', 'HOME', 'TZ', 'LANG', 'NODE_ENV', 'NODE_EXTRA_CA_CERTS', 'TMPDIR', 'NODE_CHANNEL_FD'];
    const extra = names.filter(
      (name) => !allowed.includes(name) && !/^(LC_|NODE_CHANNEL_SERIALIZATION_MODE$)/.test(name),
    );
    expect(extra).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(['LC_ALL', 'TZ', 'PATH']));
    expect(environ.join('\n')).not.toContain('kept-from-children');
    const cmdline = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    expect(cmdline).not.toContain('only-by-ipc');
    expect(cmdline.split('\0').filter((part) => part !== '')).toHaveLength(2);
    const told: unknown = await (await fetch(`http://127.0.0.1:${port}/`)).json();
    expect(told).toMatchObject({ settings: { credential: 'only-by-ipc' } });
  });

  it('log lines pass whole and as they are, and do not pile up while the output of the parent is blocked', async () => {
    const LINES = 4000;
    let text = '';
    let peakBytes = 0;
    let release: (() => void) | undefined;
    const stdout = new Writable({
      write(chunk: Buffer, _encoding, done) {
        expect(chunk.at(-1)).toBe(0x0a);
        text += chunk.toString();
        peakBytes = Math.max(peakBytes, stdout.writableLength);
        if (release === undefined) release = done;
        else setImmediate(done);
      },
    });
    const started = startAndListen({ behaviour: 'flood', lines: LINES }, { stdout });
    await until('the output is blocked', () => release !== undefined);
    await until('the pipe is full', () => stdout.writableNeedDrain);
    release?.();
    await started;
    await until('all has come', () => text.split('\n').length === LINES + 1);
    const line = JSON.stringify({ level: 'info', text: 'x'.repeat(1000) });
    expect(new Set(text.trimEnd().split('\n'))).toEqual(new Set([line]));
    expect(peakBytes).toBeLessThan(512 * 1024);
  });
});
