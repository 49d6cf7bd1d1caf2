import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FFMPEG } from './tools';

/** The real ffmpeg behind a script that can be told to dawdle before it begins. */
export interface SlowFfmpeg {
  /** For `ingest.ffmpeg`. */
  path: string;
  /** From now on each run waits, until `hurry`. */
  dawdle(): void;
  hurry(): void;
  remove(): void;
}

export function slowFfmpeg(): SlowFfmpeg {
  const directory = mkdtempSync(path.join(tmpdir(), 'protected-vod-ffmpeg-'));
  const file = path.join(directory, 'ffmpeg');
  const real = FFMPEG ?? '/usr/bin/ffmpeg';
  // It looks into itself: in a root of its own it sees no other file of this machine.
  const write = (pace: 'hurry' | 'dawdle') => {
    const script = [
      '#!/bin/sh',
      'if [ "$1" != -version ]; then while grep -q "^# dawdle" "$0"; do /bin/sleep 0.05; done; fi',
      `exec '${real}' "$@"; exit`,
      `# ${pace}`,
    ];
    // In place, because that file is what it sees.
    writeFileSync(file, `${script.join('\n')}\n`);
  };
  write('hurry');
  chmodSync(file, 0o755);
  return {
    path: file,
    dawdle: () => write('dawdle'),
    hurry: () => write('hurry'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Processes that work in a directory or below it. */
export async function processesIn(directory: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      return cwd.startsWith(directory) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
