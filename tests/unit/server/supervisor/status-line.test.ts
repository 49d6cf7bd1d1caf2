import { describe, expect, it } from 'vitest';
import { formatStatus } from '../../../../server/src/supervisor';

const RUNNING = {
  name: 'streamer',
  state: 'RUNNING',
  pid: 2176,
  uptimeSeconds: 10823.9,
  restarts: 0,
  lastEnd: null,
} as const;

describe('status line', () => {
  it.each([
    [RUNNING, 'streamer  RUNNING  pid 2176, uptime 3:00:23'],
    [{ ...RUNNING, uptimeSeconds: 86_415 }, 'streamer  RUNNING  pid 2176, uptime 1 day, 0:00:15'],
    [{ ...RUNNING, uptimeSeconds: 200_000 }, 'streamer  RUNNING  pid 2176, uptime 2 days, 7:33:20'],
    [{ ...RUNNING, state: 'FATAL', pid: null, lastEnd: 'exit status 3' } as const, 'streamer  FATAL  exit status 3'],
    [{ ...RUNNING, state: 'STOPPED', pid: null } as const, 'streamer  STOPPED'],
  ])('%o reads %s', (status, line) => {
    expect(formatStatus(status)).toBe(line);
  });
});
