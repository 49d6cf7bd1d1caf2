import { readFileSync } from 'node:fs';

/** USER_HZ, in which Linux counts the time of processes (proc(5)). */
const TICK_MS = 10;
/** From this ratio of two neighbouring costs on, a row is marked as a bend. */
const BEND = 1.5;

/** CPU milliseconds, user and system, that a process and its threads have used so far. */
export function cpuMsOf(pid: number): number {
  // The name of the process, in parentheses, may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export function residentMbOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

export interface Row {
  scale: number;
  units: number;
  /** CPU of Strapi and of the streamer, in milliseconds per unit. */
  strapiMs: number;
  streamerMs: number;
  /** Resident memory of the streamer afterwards. */
  streamerMb: number;
}

/** What `work` costs both processes, shared among `units`. */
export async function measure(
  streamerPid: number,
  { scale, units }: Pick<Row, 'scale' | 'units'>,
  work: () => Promise<unknown>,
): Promise<Row> {
  const before = [cpuMsOf(process.pid), cpuMsOf(streamerPid)] as const;
  await work();
  const strapiMs = (cpuMsOf(process.pid) - before[0]) / units;
  const streamerMs = (cpuMsOf(streamerPid) - before[1]) / units;
  return { scale, units, strapiMs, streamerMs, streamerMb: residentMbOf(streamerPid) };
}

const totalOf = ({ strapiMs, streamerMs }: Row): number => strapiMs + streamerMs;

/** Prints the cost per unit beside the last one; returns how the last row compares with the first. */
export function print(title: string, rows: readonly Row[]): number {
  console.log(`\n${title}\nscale  units   Strapi ms  streamer ms  streamer MB  cost beside the last`);
  for (const [at, row] of rows.entries()) {
    const last = rows[at - 1];
    const ratio = last === undefined ? 1 : totalOf(row) / totalOf(last);
    const cells = [
      `${row.scale}×`.padStart(5),
      String(row.units).padStart(6),
      row.strapiMs.toFixed(3).padStart(10),
      row.streamerMs.toFixed(3).padStart(11),
      row.streamerMb.toFixed(0).padStart(11),
      last === undefined ? '' : `${ratio.toFixed(2)}${ratio >= BEND ? '  bend' : ''}`.padStart(10),
    ];
    console.log(cells.join('  '));
  }
  const [first, last] = [rows[0], rows.at(-1)];
  return first === undefined || last === undefined ? Number.NaN : totalOf(last) / totalOf(first);
}
