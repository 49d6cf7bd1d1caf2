import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { residentMbOf } from './growth/cost';

/** All servers share one core, the client has the other to itself. */
export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;

/** The command, kept on one core (util-linux). */
export function pinned(core: number, command: string[]): string[] {
  return ['taskset', '-c', String(core), ...command];
}

/** Moves a running process with all its threads. */
export function pin(pid: number, core: number): void {
  execFileSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' });
}

/** The process and all below it. */
export function familyOf(pid: number): number[] {
  const family = [pid];
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^.*\) /s, '');
      parents.set(Number(name), Number(fields.split(' ')[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  for (const member of family) for (const [child, parent] of parents) if (parent === member) family.push(child);
  return family;
}

/** USER_HZ, in which Linux counts the time of processes (proc(5)). */
const TICKS_PER_SECOND = 100;

/** User and system time of a process, its threads, and the children that it has seen end. 0: it has ended itself. */
function ticksOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  } catch {
    return 0;
  }
}

export const cpuSecondsOf = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + ticksOf(pid), 0) / TICKS_PER_SECOND;

export const memoryMbOf = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + residentMbOf(pid), 0);

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
