import { type ChildProcess, fork } from 'node:child_process';
import { type ChildMessage, childMessageSchema } from '../../contracts';
import type { Child, ChildEvents, Launch } from './child';
import { childEnvironment } from './environment';
import { wholeLines } from './whole-lines';

export interface ForkOptions {
  /** Tells the absolute path of the child's script. */
  entry: () => string;
  /** Asked for each process; goes over IPC only (S1). */
  settings: () => unknown;
  onListening: (ports: { port: number; opsPort: number }) => void;
  stdout?: NodeJS.WritableStream;
  stderr?: NodeJS.WritableStream;
}

function relayOutput(child: ChildProcess, { stdout = process.stdout, stderr = process.stderr }: ForkOptions): void {
  // `pipe` stops reading while the parent's own output is blocked: then the child waits, nothing piles up here.
  child.stdout?.pipe(wholeLines()).pipe(stdout, { end: false });
  child.stderr?.pipe(wholeLines()).pipe(stderr, { end: false });
}

function parseMessage(message: unknown): ChildMessage | null {
  const parsed = childMessageSchema.safeParse(message);
  return parsed.success ? parsed.data : null;
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exit status ${code}` : `terminated by ${signal}`;
}

function listen(child: ChildProcess, options: ForkOptions, events: ChildEvents): void {
  child.on('message', (raw) => {
    const message = parseMessage(raw);
    if (message?.type === 'listening') {
      options.onListening({ port: message.port, opsPort: message.opsPort });
      events.ready();
    } else if (message?.type === 'fatal') {
      events.failing(message.reason);
    }
  });
  child.once('exit', (code, signal) => events.exited(describeEnd(code, signal)));
  // Without its channel a child can no longer be told that its parent has gone, so it must not go on.
  child.once('disconnect', () => child.kill('SIGTERM'));
  child.on('error', (error) => {
    // A process that could not be made has no 'exit'; for one that lives this only tells of a failed kill or send.
    if (child.pid === undefined) events.exited(error.message);
  });
}

function forkScript(entry: string): ChildProcess {
  return fork(entry, [], {
    execArgv: [],
    env: childEnvironment(process.env),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'json',
  });
}

/**
 * Launches a Node script that speaks `childMessageSchema`. It gets an allow-listed environment, none of the parent's
 * Node options and no arguments (S1). It is expected to exit when the IPC channel closes, so that it outlives no parent.
 */
export function forkLauncher(options: ForkOptions): Launch {
  return (events): Child => {
    let child: ChildProcess;
    try {
      child = forkScript(options.entry());
    } catch (error) {
      // Most failures to fork come as 'error', but not all (ENOMEM is thrown).
      setImmediate(() => events.exited(String(error)));
      return { pid: undefined, kill: () => {} };
    }
    listen(child, options, events);
    relayOutput(child, options);
    // A child that died before it could read this tells so by its exit.
    if (child.pid !== undefined) child.send({ type: 'start', settings: options.settings() }, () => {});
    return { pid: child.pid, kill: (signal) => void child.kill(signal) };
  };
}
