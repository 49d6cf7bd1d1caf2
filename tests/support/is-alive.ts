import { readFileSync } from 'node:fs';

/** Whether a process exists that still runs: one that only waits to be reaped has gone. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
