import { execFile, execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { CLIENT_CORE, pinned } from '../machine';

const run = promisify(execFile);

export interface LoadResult {
  answers: number;
  bytes: number;
  /** Answers with another status than 200 or 206. */
  refused: number;
  /** Connections that were lost. */
  broken: number;
  /** Segments that were complete, or would have been, after their deadline. */
  late: number;
  seconds: number;
  /** Of the client itself. */
  cpuSeconds: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export interface Load {
  /** Each of 64 connections asks for the next target (`path` or `path<tab>range`) as soon as it was answered. */
  flood(port: number, seconds: number, targets: readonly string[]): Promise<LoadResult>;
  /** Each viewer needs the next of its paths every `segmentMs`. */
  watch(port: number, seconds: number, segmentMs: number, viewers: readonly string[][]): Promise<LoadResult>;
}

const CONNECTIONS = 64;

/** Compiles the load generator into `directory`. Needs `cc`. */
export function compileLoad(directory: string): Load {
  const binary = path.join(directory, 'load');
  const targetsFile = path.join(directory, 'targets');
  execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-o', binary, path.join(import.meta.dirname, 'load.c')]);

  async function start(lines: readonly string[], args: (string | number)[]): Promise<LoadResult> {
    await writeFile(targetsFile, `${lines.join('\n')}\n`);
    const [file = '', ...rest] = pinned(CLIENT_CORE, [binary, ...args.map(String), targetsFile]);
    return JSON.parse((await run(file, rest)).stdout) as LoadResult;
  }

  return {
    flood: (port, seconds, targets) => start(targets, ['flood', port, seconds, CONNECTIONS]),
    watch: (port, seconds, segmentMs, viewers) =>
      start(
        viewers.map((paths) => paths.join(' ')),
        ['viewers', port, seconds, segmentMs],
      ),
  };
}
