import type { AttachedMessage, StreamerControl } from '../../contracts';
import type { Child, ChildEvents, Launch, SupervisorLog } from './child';
import type { ControlKey } from './control-key';
import { type ControlLine, connectControl } from './control-line';
import { type ForkedChild, type ForkOptions, forkLauncher } from './fork-child';

/** Looks and starts that may cross those of another Strapi before it is a fault. */
const MAX_ROUNDS = 10;

export interface Introduction {
  internalUrl: string;
  corsOrigins: string[];
}

/** A streamer that serves this Strapi now. */
export interface ServingStreamer {
  ports: AttachedMessage['ports'];
  /** What the proxy shows with each request. */
  edgeProof: string;
}

export interface SharedChildOptions {
  key: ControlKey;
  fork: Omit<ForkOptions, 'settings' | 'onListening' | 'onOccupied'>;
  /** Asked for each process that is started; goes over IPC only (S1). */
  settings: (controlPath: string) => unknown;
  path: () => string;
  /** Asked when a stranger holds the path: a streamer of our own lives elsewhere. */
  unsharedPath: () => string;
  introduction: () => Introduction;
  log: SupervisorLog;
  onServing: (streamer: ServingStreamer) => void;
  /** All that it tells after that. */
  onMessage: (message: StreamerControl) => void;
}

type ForkEnd = { kind: 'listening' } | { kind: 'occupied' } | { kind: 'ended'; how: string };

/** One streamer as one Strapi sees it: found and adopted, or started, and in both cases attached to. */
class SharedChild implements Child {
  private forked: ForkedChild | null = null;
  private forkEnd: string | null = null;
  private line: ControlLine | null = null;
  private told: { attached: AttachedMessage; at: number } | null = null;
  private left = false;
  private over = false;

  constructor(
    private readonly options: SharedChildOptions,
    private readonly events: ChildEvents,
  ) {
    // Not before `launch` has returned: see `ChildEvents`.
    setImmediate(() => void this.begin(options.path()));
  }

  get pid(): number | undefined {
    return this.forked?.pid ?? this.told?.attached.pid;
  }

  get uptimeSeconds(): number | undefined {
    if (this.told === null) return undefined;
    return this.told.attached.uptimeSeconds + (performance.now() - this.told.at) / 1000;
  }

  leave(): void {
    this.left = true;
    if (this.line !== null) this.line.send({ type: 'detach' });
    else this.abandon();
  }

  terminate(): void {
    this.left = true;
    if (this.line !== null) this.line.send({ type: 'stop' });
    else this.abandon();
  }

  kill(): void {
    this.forked?.kill();
    if (this.forked === null) this.finish('it did not answer');
  }

  /** Nothing is attached yet: what was started is ended, and a search given up. */
  private abandon(): void {
    if (this.forked !== null) this.forked.terminate();
    else this.finish('given up');
  }

  private async begin(path: string, isUnshared = false): Promise<void> {
    for (let round = 1; round <= MAX_ROUNDS && !this.over; round += 1) {
      const found = await this.look(path);
      if (found === 'streamer' || this.over) return;
      if (found === 'stranger') break;
      const end = await this.fork(path);
      if (end.kind === 'ended') return this.finish(end.how);
      if (end.kind === 'listening' && (await this.look(path)) !== 'streamer') {
        return this.events.failing('it cannot be reached at its control socket');
      }
      if (end.kind === 'listening') return;
    }
    if (this.over) return;
    if (isUnshared) return this.finish('its control socket is taken');
    this.options.log.error('a stranger holds the control socket: this Strapi runs a streamer of its own');
    return this.begin(this.options.unsharedPath(), true);
  }

  private async look(path: string): Promise<'streamer' | 'absent' | 'stranger'> {
    const { key, introduction } = this.options;
    const found = await connectControl(path, key, {
      message: (message) => this.hear(message),
      closed: () => this.onClosed(),
    });
    if (found.kind !== 'streamer') return found.kind;
    this.line = found.line;
    if (this.left || this.over) found.line.close();
    else found.line.send({ type: 'attach', pid: process.pid, ...introduction() });
    return 'streamer';
  }

  private fork(path: string): Promise<ForkEnd> {
    const { fork, settings } = this.options;
    return new Promise((resolve) => {
      let occupied = false;
      const launch = forkLauncher({
        ...fork,
        settings: () => settings(path),
        onOccupied: () => {
          occupied = true;
        },
      });
      this.forked = launch({
        ready: () => resolve({ kind: 'listening' }),
        failing: (reason) => this.events.failing(reason),
        exited: (how) => {
          this.forked = null;
          this.forkEnd = how;
          resolve(occupied ? { kind: 'occupied' } : { kind: 'ended', how });
          if (this.line !== null) this.finish(how);
        },
      });
    });
  }

  private hear(message: StreamerControl): void {
    if (message.type === 'attached') {
      this.told = { attached: message, at: performance.now() };
      this.options.onServing({ ports: message.ports, edgeProof: this.line?.edgeProof ?? '' });
      this.events.ready();
    } else if (message.type === 'detached') this.onDetached(message.stays);
    else this.options.onMessage(message);
  }

  private onDetached(stays: boolean): void {
    if (!stays) return;
    this.forked?.release();
    this.forked = null;
    this.finish('it goes on for another Strapi');
  }

  private onClosed(): void {
    // Our own process tells by its end; if it lives without us, it must not go on.
    if (this.forked !== null) this.forked.terminate();
    else this.finish(this.forkEnd ?? 'it has ended');
  }

  private finish(how: string): void {
    if (this.over) return;
    this.over = true;
    this.line?.close();
    this.events.exited(how);
  }
}

/**
 * Launches the streamer that Strapi processes of one machine share: one that is there is adopted, if it proves itself
 * (S4), else one is started. Of several that start at once the control socket lets one live; the others adopt it.
 */
export function sharedLauncher(options: SharedChildOptions): Launch {
  return (events) => new SharedChild(options, events);
}
