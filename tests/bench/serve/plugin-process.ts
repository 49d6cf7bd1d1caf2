import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import type { Grant, StreamerKeys } from '../../../server/contracts';
import { pin, SERVER_CORE } from '../machine';

const ROOT = path.resolve(import.meta.dirname, '../../..');
/** Below `node_modules`, so that the compiled files find the packages. */
const CACHE = path.join(ROOT, 'node_modules/.cache/protected-vod');
const STAND_IN = 'tests/support/stand-in-plugin.ts';
const CONTRACTS = 'server/contracts';

export interface PluginProcess {
  pid: number;
  internalUrl: string;
  keys: StreamerKeys;
  openSession(asset: Grant['asset']): Promise<string>;
  /** The streamer learns of it at its next sync. */
  endSessions(sessionIds: readonly string[]): void;
  stop(): Promise<void>;
}

function compile(directory: string): string {
  const contracts = readdirSync(path.join(ROOT, CONTRACTS)).map((file) => path.join(CONTRACTS, file));
  for (const file of [STAND_IN, ...contracts]) {
    const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true };
    const { outputText } = ts.transpileModule(readFileSync(path.join(ROOT, file), 'utf8'), { compilerOptions });
    const target = path.join(directory, file.replace(/\.ts$/, '.js'));
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  writeFileSync(path.join(directory, 'package.json'), '{"type":"commonjs"}');
  return path.join(directory, STAND_IN.replace(/\.ts$/, '.js'));
}

/** The stand-in plugin on the servers' core. Its terms set no pace. */
export async function startPluginProcess(): Promise<PluginProcess> {
  mkdirSync(CACHE, { recursive: true });
  const directory = mkdtempSync(path.join(CACHE, 'bench-plugin-'));
  const child = fork(path.join(import.meta.dirname, 'plugin-child.cjs'), [compile(directory)], { execArgv: [] });
  const ended = once(child, 'exit');
  const [{ internalUrl, keys }] = (await once(child, 'message')) as [Pick<PluginProcess, 'internalUrl' | 'keys'>];
  const pid = child.pid ?? 0;
  pin(pid, SERVER_CORE);
  const waiting = new Map<number, (sessionId: string) => void>();
  child.on('message', (message) => {
    const { question, sessionId } = message as { question: number; sessionId: string };
    waiting.get(question)?.(sessionId);
    waiting.delete(question);
  });
  let questions = 0;
  return {
    pid,
    internalUrl,
    keys,
    openSession: (asset) =>
      new Promise((resolve) => {
        questions += 1;
        waiting.set(questions, resolve);
        child.send({ question: questions, asset });
      }),
    endSessions: (ended) => void child.send({ ended }),
    async stop() {
      child.disconnect();
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
