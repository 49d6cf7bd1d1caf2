import type { Load, LoadResult } from '../load/load';
import { cpuSecondsOf, median } from '../machine';

/** Short and many: what else the machine does comes and goes within seconds. */
const SECONDS = 1;
const ROUNDS = 25;
/** Compilers of both Node processes have done their work by then, where each request reaches them. */
const WARM_UP_SECONDS = 5;
/** From there on the client, not the server, sets the pace. */
const MAX_CLIENT_SHARE = 0.9;
const MAX_VOID_ROUNDS = 10;

export interface Contestant {
  port: number;
  pids(): number[];
  targets: readonly string[];
  /** Asked for before it counts, where that reaches the compilers more often. Default: `targets`, and nothing afterwards. */
  warmUp?: { targets: readonly string[]; done?: () => void };
}

export interface Contest {
  name: string;
  /** Least ratio of ours to theirs, bytes per CPU-second. */
  bar: number;
  ours: Contestant;
  theirs: Contestant;
  warmUpSeconds?: number;
}

export interface Outcome {
  name: string;
  bar: number;
  /** Medians of all rounds that count; the ratio is that of pairs. */
  ratio: number;
  oursMb: number;
  theirsMb: number;
  oursP99Ms: number;
  theirsP99Ms: number;
  clientShare: number;
}

interface Round {
  mbPerCpuSecond: number;
  result: LoadResult;
}

async function play(load: Load, { port, pids, targets }: Contestant, seconds = SECONDS): Promise<Round> {
  const members = pids();
  const before = cpuSecondsOf(members);
  const result = await load.flood(port, seconds, targets);
  const cpuSeconds = cpuSecondsOf(members) - before;
  if (result.refused > 0 || result.broken > 0) throw new Error(`not all were served: ${JSON.stringify(result)}`);
  return { mbPerCpuSecond: result.bytes / 1_000_000 / cpuSeconds, result };
}

const shareOf = ({ result: { cpuSeconds, seconds } }: Round): number => cpuSeconds / seconds;

/** Ours and theirs by turns, so that whatever else the machine does meets both. */
export async function compete(
  load: Load,
  { name, bar, ours, theirs, warmUpSeconds = WARM_UP_SECONDS }: Contest,
): Promise<Outcome> {
  for (const contestant of [ours, theirs]) {
    const { targets, warmUp = { targets } } = contestant;
    await play(load, { ...contestant, targets: warmUp.targets }, warmUpSeconds);
    warmUp.done?.();
  }
  const pairs: { ours: Round; theirs: Round }[] = [];
  for (let played = 0; pairs.length < ROUNDS; played += 1) {
    if (played === ROUNDS + MAX_VOID_ROUNDS) throw new Error(`${name}: the client had no room in ${played} rounds`);
    const first = await play(load, played % 2 === 0 ? ours : theirs);
    const second = await play(load, played % 2 === 0 ? theirs : ours);
    if (Math.max(shareOf(first), shareOf(second)) >= MAX_CLIENT_SHARE) continue;
    pairs.push(played % 2 === 0 ? { ours: first, theirs: second } : { ours: second, theirs: first });
  }
  const of = (value: (pair: { ours: Round; theirs: Round }) => number): number => median(pairs.map(value));
  return {
    name,
    bar,
    ratio: of((pair) => pair.ours.mbPerCpuSecond / pair.theirs.mbPerCpuSecond),
    oursMb: of((pair) => pair.ours.mbPerCpuSecond),
    theirsMb: of((pair) => pair.theirs.mbPerCpuSecond),
    oursP99Ms: of((pair) => pair.ours.result.p99Ms),
    theirsP99Ms: of((pair) => pair.theirs.result.p99Ms),
    clientShare: of((pair) => Math.max(shareOf(pair.ours), shareOf(pair.theirs))),
  };
}

const COLUMNS = ['ours MB/CPU-s', 'nginx MB/CPU-s', 'ratio', 'bar', 'p99 ms', 'nginx', 'client', ''];

export function printOutcomes(outcomes: readonly Outcome[]): void {
  const rows = outcomes.map(({ name, bar, ratio, oursMb, theirsMb, oursP99Ms, theirsP99Ms, clientShare }) => [
    name,
    oursMb.toFixed(0),
    theirsMb.toFixed(0),
    ratio.toFixed(2),
    bar.toFixed(2),
    oursP99Ms.toFixed(0),
    theirsP99Ms.toFixed(0),
    `${(clientShare * 100).toFixed(0)} %`,
    ratio < bar ? 'MISSED' : '',
  ]);
  const lines = [['', ...COLUMNS], ...rows].map(([name = '', ...cells]) =>
    [name.padEnd(34), ...cells.map((cell, at) => cell.padStart((COLUMNS[at]?.length ?? 0) + 2))].join(''),
  );
  console.log(`\n${lines.join('\n')}\n`);
}
