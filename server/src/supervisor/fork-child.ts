import { type ChildProcess, fork } from 'node:child_process';
import { type ChildMessage, childMessageSchema, type StreamerPorts } from '../../contracts';
import type { Child, ChildEvents } from './child';
import { childEnvironment } from './environment';
import { wholeLines } from './whole-lines';

export interface ForkOptions {
  /** Tells the absolute path of the child's script. */
  entry: () => string;
  /** Asked for each process; goes over IPC only (S1). */
  settings: () => unknown;
  onListening?: (ports: StreamerPorts) => void;
  /** Another process of its kind is there already; this one ends. */
  onOccupied?: () => void;
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
      const { type: _, ...ports } = message;
      options.onListening?.(ports);
      events.ready();
    } else if (message?.type === 'ready') {
      events.ready();
    } else if (message?.type === 'occupied') {
      options.onOccupied?.();
    } else if (message?.type === 'fatal') {
      events.failing(message.reason);
    }
  });
  child.once('exit', (code, signal) => events.exited(describeEnd(code, signal)));
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

export interface ForkedChild extends Child {
  /** Over IPC; lost where the child has gone. */
  send(message: object): void;
  /** Lets go of a child that lives on for others: this process need not wait for it. */
  release(): void;
}

/**
 * Launches a Node script that speaks `childMessageSchema`. It gets an allow-listed environment, none of the parent's
 * Node options and no arguments (S1). It is expected to exit when the IPC channel closes, unless others need it.
 */
export function forkLauncher(options: ForkOptions) {
  return (events: ChildEvents): ForkedChild => {
    let child: ChildProcess;
    try {
      child = forkScript(options.entry());
    } catch (error) {
      // Most failures to fork come as 'error', but not all (ENOMEM is thrown).
      setImmediate(() => events.exited(String(error)));
      const nothing = () => {};
      return { pid: undefined, leave: nothing, terminate: nothing, kill: nothing, release: nothing, send: nothing };
    }
    const terminate = () => void child.kill('SIGTERM');
    // Without its channel a child can no longer be told that its parent has gone, so it must not go on.
    child.once('disconnect', terminate);
    listen(child, options, events);
    relayOutput(child, options);
    // A child that died before it could read this tells so by its exit.
    if (child.pid !== undefined) child.send({ type: 'start', settings: options.settings() }, () => {});
    return {
      pid: child.pid,
      leave: terminate,
      terminate,
      kill: () => void child.kill('SIGKILL'),
      send: (message) => void (child.connected && child.send(message, () => {})),
      release() {
        child.off('disconnect', terminate);
        if (child.connected) child.disconnect();
        child.unref();
        child.stdout?.destroy();
        child.stderr?.destroy();
      },
    };
  };
}
