import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { StrapiApp } from './strapi-app';

export const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');

export interface CommandResult {
  /** -1 where a signal ended it. */
  code: number;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

/** What a process told until it ended. `onOut` is told all that was printed so far. */
export async function resultOf(
  child: ChildProcessWithoutNullStreams,
  onOut: (text: string) => void = () => undefined,
): Promise<CommandResult> {
  const told = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    told.out += String(chunk);
    onOut(told.out);
  });
  child.stderr.on('data', (chunk) => {
    told.err += String(chunk);
  });
  const [code, signal] = await once(child, 'close');
  return { code: Number(code ?? -1), signal, ...told };
}

/** Runs `protected-vod` as on the machine of this site, in the directory of its app. Build first. */
export async function runCommand(app: StrapiApp, args: string[]): Promise<CommandResult> {
  const { PATH = '', APP_KEYS = '' } = process.env;
  const { port } = new URL(app.url);
  return resultOf(
    spawn(process.execPath, [CLI, ...args], { cwd: app.storageRoot, env: { PATH, APP_KEYS, PORT: port } }),
  );
}
