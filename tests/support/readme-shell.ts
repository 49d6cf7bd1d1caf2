import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { readmeBlock } from './readme-example';
import type { CommandResult } from './run-command';

const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');

export interface ShellPlace {
  cwd: string;
  env: NodeJS.ProcessEnv;
}

/** Runs lines of a shell; `npx protected-vod` is what was built. It ends with the first that fails. */
export async function runShell(script: string, { cwd, env }: ShellPlace): Promise<CommandResult> {
  const built = script.replaceAll('npx protected-vod', `"${process.execPath}" "${CLI}"`);
  const child = spawn('/bin/sh', ['-e', '-c', built], { cwd, env });
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

/** The lines of the one block of the README that begins with this line, without those that `isLeftOut` names. */
export function readmeShell(firstLine: string, isLeftOut: RegExp = /^$/): string {
  return readmeBlock(firstLine)
    .split('\n')
    .filter((line) => !isLeftOut.test(line))
    .join('\n');
}
