import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { CommandResult } from './run-command';

const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');
const APP_DIR = path.resolve(import.meta.dirname, '../app');

/** The test app as `npm run build` of a site leaves it; once per test file. */
export async function compileApp(): Promise<void> {
  const { compileStrapi } = createRequire(import.meta.url)('@strapi/strapi') as typeof import('@strapi/strapi');
  await compileStrapi({ appDir: APP_DIR });
}

export interface RunningCommand {
  process: ChildProcess;
  result: Promise<CommandResult & { signal: NodeJS.Signals | null }>;
}

/** Starts `protected-vod` in a directory, with the environment of this process and `env`. Build first. */
export function startCommand(
  args: string[],
  {
    cwd,
    env = {},
    onOut = () => undefined,
  }: { cwd: string; env?: Record<string, string>; onOut?: (text: string) => void },
): RunningCommand {
  const child = spawn(process.execPath, [CLI, ...args], { cwd, env: { ...process.env, ...env } });
  const told = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    told.out += String(chunk);
    onOut(told.out);
  });
  child.stderr.on('data', (chunk) => {
    told.err += String(chunk);
  });
  const result = once(child, 'close').then(([code, signal]) => ({ code: Number(code ?? -1), signal, ...told }));
  return { process: child, result };
}

/**
 * Starts `protected-vod storage …` in the directory of the app, beside the site that runs in this process. `onOut` is told
 * all that was printed so far. Compile first.
 */
export function startStorageCommand(args: string[], onOut?: (text: string) => void): RunningCommand {
  return startCommand(['storage', ...args], { cwd: APP_DIR, ...(onOut && { onOut }) });
}
