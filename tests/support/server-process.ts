import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from './until';

/** A server of somebody else's, in a process of its own. */
export interface ServerProcess {
  pid: number;
  /** All that it has printed. */
  output(): string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface ServerCommand {
  file: string;
  args: string[];
  env?: Record<string, string>;
  /** Loopback port that it listens on when it is up. */
  port: number;
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

/** Starts it and waits until it accepts connections; throws what it printed if it ends before. */
export async function startServerProcess({ file, args, env, port }: ServerCommand): Promise<ServerProcess> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(env && { env }) });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  const ended = once(child, 'exit');
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  await until(`${file} listens`, () => {
    if (hasEnded()) throw new Error(`${file} has ended:\n${output}`);
    return accepts(port);
  }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      if (!hasEnded()) child.kill(signal);
      await ended;
    },
  };
}
