import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { CLI, type CommandResult, resultOf } from './run-command';

const APP_DIR = path.resolve(import.meta.dirname, '../app');

/** The test app as `npm run build` of a site leaves it; once per test file. */
export async function compileApp(): Promise<void> {
  const { compileStrapi } = createRequire(import.meta.url)('@strapi/strapi') as typeof import('@strapi/strapi');
  await compileStrapi({ appDir: APP_DIR });
}

export interface RunningCommand {
  process: ChildProcess;
  result: Promise<CommandResult>;
}

/** Starts `protected-vod` in a directory, with the environment of this process and `env`. Build first. */
export function startCommand(
  args: string[],
  { cwd, env = {}, onOut }: { cwd: string; env?: Record<string, string>; onOut?: (text: string) => void },
): RunningCommand {
  const child = spawn(process.execPath, [CLI, ...args], { cwd, env: { ...process.env, ...env } });
  return { process: child, result: resultOf(child, onOut) };
}

/**
 * Starts `protected-vod storage …` in the directory of the app, beside the site that runs in this process. `onOut` is told
 * all that was printed so far. Compile first.
 */
export function startStorageCommand(args: string[], onOut?: (text: string) => void): RunningCommand {
  return startCommand(['storage', ...args], { cwd: APP_DIR, ...(onOut && { onOut }) });
}
