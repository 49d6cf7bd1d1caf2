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

export interface StorageCommand {
  process: ChildProcess;
  result: Promise<CommandResult & { signal: NodeJS.Signals | null }>;
}

/**
 * Starts `protected-vod storage …` in the directory of the app, with the environment of the site that runs in this
 * process, beside it. `onOut` is told all that was printed so far. Build and compile first.
 */
export function startStorageCommand(args: string[], onOut: (text: string) => void = () => undefined): StorageCommand {
  const child = spawn(process.execPath, [CLI, 'storage', ...args], { cwd: APP_DIR, env: process.env });
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
