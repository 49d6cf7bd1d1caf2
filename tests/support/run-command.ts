import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { StrapiApp } from './strapi-app';

export const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');

export interface CommandResult {
  code: number;
  out: string;
  err: string;
}

/** What a process told until it ended. */
export async function resultOf(child: ChildProcessWithoutNullStreams): Promise<CommandResult> {
  const told = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    told.out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    told.err += String(chunk);
  });
  const [code] = await once(child, 'close');
  return { code: Number(code), ...told };
}

/** Runs `protected-vod` as on the machine of this site, in the directory of its app. Build first. */
export async function runCommand(app: StrapiApp, args: string[]): Promise<CommandResult> {
  const { PATH = '', APP_KEYS = '' } = process.env;
  const { port } = new URL(app.url);
  return resultOf(
    spawn(process.execPath, [CLI, ...args], { cwd: app.storageRoot, env: { PATH, APP_KEYS, PORT: port } }),
  );
}
