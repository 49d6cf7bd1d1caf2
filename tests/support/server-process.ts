import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from './until';

/** A server in a process of its own. */
export interface ServerProcess {
  pid: number;
  /** All that it has printed. */
  output(): string;
  /** Null while it lives, and where a signal ended it. */
  exitCode(): number | null;
  /** Ends it if it lives. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface ServerCommand {
  file: string;
  args: string[];
  env?: Record<string, string>;
  /** Loopback port that it listens on. */
  port: number;
  /** Default: it accepts connections. */
  isUp?: () => Promise<boolean>;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Starts it and waits until it is up; throws its status and what it printed if it ends before. */
export async function startServerProcess(command: ServerCommand): Promise<ServerProcess> {
  const { file, args, env, port, isUp = () => accepts(port) } = command;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(env && { env }) });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  const [ended, closed] = [once(child, 'exit'), once(child, 'close')];
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  await until(`${file} is up`, async () => {
    if (!hasEnded()) return isUp();
    await closed;
    throw new Error(`${file} has ended with status ${child.exitCode}:\n${output}`);
  }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    exitCode: () => child.exitCode,
    async stop(signal = 'SIGTERM') {
      if (!hasEnded()) child.kill(signal);
      await ended;
    },
  };
}
