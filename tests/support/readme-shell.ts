import { spawn } from 'node:child_process';
import { readmeBlock } from './readme-example';
import { CLI, type CommandResult, resultOf } from './run-command';

export interface ShellPlace {
  cwd: string;
  env: NodeJS.ProcessEnv;
}

/** Runs lines of a shell; `npx protected-vod` is what was built. It ends with the first that fails. */
export async function runShell(script: string, { cwd, env }: ShellPlace): Promise<CommandResult> {
  const built = script.replaceAll('npx protected-vod', `"${process.execPath}" "${CLI}"`);
  return resultOf(spawn('/bin/sh', ['-e', '-c', built], { cwd, env }));
}

/** The lines of the one block of the README that begins with this line, without those that `isLeftOut` names. */
export function readmeShell(firstLine: string, isLeftOut: RegExp = /^$/): string {
  return readmeBlock(firstLine)
    .split('\n')
    .filter((line) => !isLeftOut.test(line))
    .join('\n');
}
