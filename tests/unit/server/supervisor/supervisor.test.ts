import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { type ProcessState, Supervisor } from '../../../../server/src/supervisor';
import { isAlive } from '../../../support/is-alive';
import { until } from '../../../support/until';
import { type Supervised, supervise } from './supervised';

const running: Supervised[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ supervisor }) => supervisor.stop()));
});

function start(...args: Parameters<typeof supervise>): Supervised {
  const supervised = supervise(...args);
  running.push(supervised);
  supervised.supervisor.start();
  return supervised;
}

function reaches({ supervisor }: Supervised, state: ProcessState): Promise<number> {
  return until(`the child is ${state}`, () => {
    const status = supervisor.status();
    return status.state === state ? (status.pid ?? -1) : null;
  });
}

describe('supervisor', () => {
  it('a child that says it listens is RUNNING; stop() leaves no process and ends STOPPED', async () => {
    const child = start({});
    const pid = await reaches(child, 'RUNNING');
    expect(isAlive(pid)).toBe(true);
    await child.supervisor.stop();
    expect(isAlive(pid)).toBe(false);
    expect(child.supervisor.status()).toMatchObject({ state: 'STOPPED', pid: null, uptimeSeconds: null, restarts: 0 });
    expect(child.states).toEqual(['STARTING', 'RUNNING', 'STOPPING', 'STOPPED']);
  });

  it('a child that dies three times at once waits longer each time and ends FATAL', async () => {
    const child = start({ behaviour: 'die' });
    await reaches(child, 'FATAL');
    expect(child.states).toEqual(['STARTING', 'BACKOFF', 'STARTING', 'BACKOFF', 'STARTING', 'FATAL']);
    const waits = child.sentences.flatMap((sentence) => /next try in ([\d.]+) seconds/.exec(sentence)?.[1] ?? []);
    expect(waits).toEqual(['0.01', '0.02']);
    expect(child.supervisor.status()).toMatchObject({ restarts: 2, lastEnd: 'exit status 3' });
  });

  it('FATAL is left by restart(), with the failed starts forgotten', async () => {
    const child = start({ behaviour: 'die' });
    await reaches(child, 'FATAL');
    child.settings = {};
    await child.supervisor.restart();
    await reaches(child, 'RUNNING');
  });

  it('a child killed while RUNNING is replaced at once by another, whose port is told', async () => {
    const child = start({});
    const first = await reaches(child, 'RUNNING');
    process.kill(first, 'SIGKILL');
    const second = await until('another process runs', () => {
      const { state, pid } = child.supervisor.status();
      return state === 'RUNNING' && pid !== first ? pid : null;
    });
    expect(isAlive(second)).toBe(true);
    expect(child.states).toEqual(['STARTING', 'RUNNING', 'EXITED', 'STARTING', 'RUNNING']);
    expect(child.supervisor.status()).toMatchObject({ restarts: 1, lastEnd: 'terminated by SIGKILL' });
    expect(child.ports).toHaveLength(2);
  });

  it('a child that ignores SIGTERM is killed after stopWaitSeconds', async () => {
    const child = start({ behaviour: 'refuse-to-stop' }, { stopWaitSeconds: 0.05 });
    const pid = await reaches(child, 'RUNNING');
    await child.supervisor.stop();
    expect(isAlive(pid)).toBe(false);
    expect(child.supervisor.status().lastEnd).toBe('terminated by SIGKILL');
  });

  it('stop() resolves where the child is gone before `leave` has returned', async () => {
    const lines = { info: () => {}, warn: () => {}, error: () => {} };
    const supervisor = new Supervisor({
      name: 'sought',
      launch: ({ exited }) => {
        const giveUp = () => exited('given up');
        return { pid: undefined, leave: giveUp, terminate: giveUp, kill: giveUp };
      },
      log: lines,
      startSeconds: 1,
      startTimeoutSeconds: 60,
      startRetries: 1,
      backoff: { firstSeconds: 1, capSeconds: 1 },
      stopWaitSeconds: 1,
    });
    supervisor.start();
    await supervisor.stop();
    expect(supervisor.status()).toMatchObject({ state: 'STOPPED', lastEnd: 'given up' });
  });

  it('a stop() during restart() wins, and a start() during stop() does too', async () => {
    const child = start({});
    await reaches(child, 'RUNNING');
    const restarted = child.supervisor.restart();
    await child.supervisor.stop();
    await restarted;
    expect(child.supervisor.status()).toMatchObject({ state: 'STOPPED', pid: null });

    child.supervisor.start();
    await reaches(child, 'RUNNING');
    const stopped = child.supervisor.stop();
    child.supervisor.start();
    await stopped;
    await reaches(child, 'RUNNING');
  });

  it('stop() during the back-off cancels the next try', async () => {
    const child = start({ behaviour: 'die' }, { backoff: { firstSeconds: 3600, capSeconds: 3600 } });
    await reaches(child, 'BACKOFF');
    await child.supervisor.stop();
    expect(child.states).toEqual(['STARTING', 'BACKOFF', 'STOPPED']);
  });

  it('a child that never says that it serves is ended, and that is a failed start', async () => {
    const child = start({ behaviour: 'silence' }, { startTimeoutSeconds: 0.3, startRetries: 0 });
    const pid = await until('it lives', () => child.supervisor.status().pid);
    await reaches(child, 'FATAL');
    expect(isAlive(pid)).toBe(false);
    expect(child.sentences.join('\n')).toContain('it did not say within 0.3 seconds that it serves');
  });

  it('a child that dies before startSeconds are over was never RUNNING, though it listened', async () => {
    const child = start({}, { startSeconds: 3600, startRetries: 0 });
    await until('it listens', () => child.ports.length > 0);
    process.kill(child.supervisor.status().pid ?? -1, 'SIGKILL');
    await reaches(child, 'FATAL');
    expect(child.states).toEqual(['STARTING', 'FATAL']);
  });

  it('a child that says why it cannot go on is ended, and the log repeats it', async () => {
    const child = start({ behaviour: 'say-fatal-and-stay' }, { startRetries: 0 });
    await reaches(child, 'FATAL');
    expect(child.sentences).toContain('child: the port is taken');
  });

  it('messages that are not in the contract change nothing', async () => {
    const child = start({ behaviour: 'talk-nonsense' });
    await reaches(child, 'RUNNING');
    expect(child.ports).toHaveLength(1);
  });

  it('SIGKILL of the parent leaves no child', async () => {
    const parent = spawn(process.execPath, [path.join(import.meta.dirname, 'stand-in-parent.cjs')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface(parent.stdout), 'line');
    const pid = Number(line);
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await until('the child has gone', () => !isAlive(pid));
  }, 30_000);
});
