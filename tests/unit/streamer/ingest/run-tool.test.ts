import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTool } from '../../../../streamer/src/ingest/tools/run-tool';
import { isAlive } from '../../../support/is-alive';
import { processesIn } from '../../../support/slow-ffmpeg';
import { until } from '../../../support/until';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), 'protected-vod-tool-'));
});
afterAll(() => rm(cwd, { recursive: true }));

const sh = (script: string, more: { maxSeconds?: number; signal?: AbortSignal } = {}) =>
  runTool({ command: ['/bin/sh', '-c', script], cwd, maxSeconds: 20, ...more });
const noneLeft = () => until('none is left', async () => !(await processesIn(cwd)).some(isAlive));

describe('T23 a tool', () => {
  it('gets an empty environment, no standard input, and its arguments as they are', async () => {
    expect(await runTool({ command: ['/usr/bin/env'], cwd, maxSeconds: 20 })).toBe('');
    expect(await sh('/bin/cat; /bin/echo end')).toBe('end\n');
    const odd = '$(touch x); `touch x` "\' -i';
    expect(await runTool({ command: ['/bin/echo', odd], cwd, maxSeconds: 20 })).toBe(`${odd}\n`);
  });

  it('T24 is killed with all that it has started when its time is over', async () => {
    await expect(sh('/bin/sleep 600 & /bin/sleep 600', { maxSeconds: 0.2 })).rejects.toMatchObject({
      reason: 'tool-timeout',
      isFinal: true,
    });
    await noneLeft();
  });

  it('ends with its own end, though something that it started in a session of its own holds its pipes open', async () => {
    await expect(sh('/usr/bin/setsid /bin/sleep 15 & /bin/sleep 600', { maxSeconds: 0.2 })).rejects.toMatchObject({
      reason: 'tool-timeout',
    });
    expect((await processesIn(cwd)).filter(isAlive)).toHaveLength(1);
    for (const pid of await processesIn(cwd)) process.kill(pid, 'SIGKILL');
    await noneLeft();
  });

  it('is killed with all that it has started when it is no longer wanted, for the reason that was given', async () => {
    const controller = new AbortController();
    const running = sh('/bin/sleep 600 & /bin/sleep 600', { signal: controller.signal });
    await until('it runs', async () => (await processesIn(cwd)).length > 1);
    const reason = new Error('cancelled');
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    await noneLeft();
    await expect(sh('true', { signal: controller.signal })).rejects.toBe(reason);
  });

  it('T24 is killed when it prints without end', async () => {
    await expect(sh('/bin/cat /dev/zero')).rejects.toMatchObject({
      reason: 'output-invalid',
    });
    await noneLeft();
  });

  it.each([
    ['echo "No space left on device" >&2; exit 1', 'disk-full'],
    ['echo "Cannot allocate memory" >&2; exit 1', 'tool-memory'],
    ['echo "Cannot allocate memory" >&2; exit 0', 'tool-memory'],
    ['echo "Disk quota exceeded" >&2; exit 1', 'disk-full'],
    ['echo nonsense >&2; exit 1', 'tool-failed'],
    ['kill -KILL $$', 'tool-killed'],
    ['/bin/sh -c "kill -KILL $$"; exit $?', 'tool-killed'],
    ['kill -SEGV $$', 'tool-failed'],
  ])('tells apart why it failed: %s', async (script, reason) => {
    await expect(sh(script)).rejects.toMatchObject({ reason });
  });

  it('T24 that is killed is tried again, unless its processor time had passed', async () => {
    const spend = 'ulimit -t 1; while :; do :; done';
    const command = ['/bin/sh', '-c', spend];
    await expect(runTool({ command, cwd, maxSeconds: 20, processorSeconds: 1 })).rejects.toMatchObject({
      reason: 'tool-timeout',
      isFinal: true,
    });
    await expect(runTool({ command, cwd, maxSeconds: 20, processorSeconds: 100 })).rejects.toMatchObject({
      reason: 'tool-killed',
      isFinal: false,
    });
  });

  it('that is not there is said to be missing', async () => {
    await expect(runTool({ command: ['/nowhere/ffmpeg'], cwd, maxSeconds: 20 })).rejects.toMatchObject({
      reason: 'ffmpeg-missing',
    });
  });
});
