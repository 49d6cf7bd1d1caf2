import { type Backoff, backoffSeconds } from './backoff';
import type { Child, Launch, SupervisorLog } from './child';
import type { ProcessState, ProcessStatus } from './state';

export interface SupervisorOptions {
  name: string;
  launch: Launch;
  log: SupervisorLog;
  /** How long a process must have lived to count as started (supervisord's `startsecs`). */
  startSeconds: number;
  /** How long it may take to say that it serves. */
  startTimeoutSeconds: number;
  /** Failed starts in a row that are followed by another try; the next one is FATAL (supervisord's `startretries`). */
  startRetries: number;
  backoff: Backoff;
  /** From SIGTERM to SIGKILL. */
  stopWaitSeconds: number;
  onState?: (state: ProcessState) => void;
}

/**
 * Keeps one child process alive, as supervisord does (supervisord.org/subprocess.html#process-states). FATAL is final
 * until `start()` or `restart()` is called. No method throws or rejects because of the child.
 */
export class Supervisor {
  private state: ProcessState = 'STOPPED';
  private child: Child | null = null;
  /** What the operator asked for last; decides what follows on STOPPING. */
  private wanted = false;
  private failures = 0;
  private launches = 0;
  private launchedAt = 0;
  private lastEnd: string | null = null;
  /** Start time-out, the rest of `startSeconds`, or the back-off: never two of them at once. */
  private timer: NodeJS.Timeout | undefined;
  private killTimer: NodeJS.Timeout | undefined;
  private waiters: Array<() => void> = [];

  constructor(private readonly options: SupervisorOptions) {}

  /** Starts the process unless one lives or is about to. */
  start(): void {
    this.wanted = true;
    if (this.state === 'STOPPING') void this.restart();
    else this.begin();
  }

  /** Resolves when no process is left that nobody else needs: asked to end first, killed after `stopWaitSeconds`. */
  stop(): Promise<void> {
    this.wanted = false;
    return this.halt('leave');
  }

  /** Ends it, forgets failed starts and starts again; resolves when the new process was launched. A later `stop()` wins. */
  async restart(): Promise<void> {
    this.wanted = true;
    await this.halt('terminate');
    if (this.wanted) this.begin();
  }

  status(): ProcessStatus {
    return {
      name: this.options.name,
      state: this.state,
      pid: this.child?.pid ?? null,
      uptimeSeconds: this.child === null ? null : (this.child.uptimeSeconds ?? this.secondsSinceLaunch()),
      restarts: Math.max(0, this.launches - 1),
      lastEnd: this.lastEnd,
    };
  }

  private begin(): void {
    if (this.child !== null || this.state === 'BACKOFF') return;
    this.failures = 0;
    this.launch();
  }

  private halt(how: 'leave' | 'terminate'): Promise<void> {
    clearTimeout(this.timer);
    const { child } = this;
    if (child === null) {
      this.enter('STOPPED');
      return Promise.resolve();
    }
    this.enter('STOPPING');
    const stopped = new Promise<void>((resolve) => this.waiters.push(resolve));
    this.end(child, how);
    return stopped;
  }

  private launch(): void {
    this.launches += 1;
    this.launchedAt = performance.now();
    this.enter('STARTING');
    const child = this.options.launch({
      ready: () => this.onReady(child),
      failing: (reason) => this.onFailing(child, reason),
      exited: (how) => this.onExit(child, how),
    });
    this.child = child;
    this.wait(this.options.startTimeoutSeconds, () =>
      this.onFailing(child, `it did not say within ${this.options.startTimeoutSeconds} seconds that it serves`),
    );
  }

  private onReady(child: Child): void {
    if (child !== this.child || this.state !== 'STARTING') return;
    this.wait(Math.max(0, this.options.startSeconds - this.secondsSinceLaunch()), () => {
      this.failures = 0;
      this.enter('RUNNING');
    });
  }

  private onFailing(child: Child, reason: string): void {
    if (child !== this.child || this.state === 'STOPPING') return;
    this.options.log.error(`${this.options.name}: ${reason}`);
    clearTimeout(this.timer);
    this.end(child, 'terminate');
  }

  private onExit(child: Child, how: string): void {
    if (child !== this.child) return;
    clearTimeout(this.timer);
    clearTimeout(this.killTimer);
    this.killTimer = undefined;
    this.child = null;
    this.lastEnd = how;
    if (this.state === 'STOPPING') this.onStopped();
    else if (this.state === 'RUNNING') this.onDied(how);
    else this.onFailedStart(how);
  }

  private onStopped(): void {
    this.enter('STOPPED');
    const waiters = this.waiters;
    this.waiters = [];
    for (const resolve of waiters) resolve();
  }

  private onDied(how: string): void {
    this.enter('EXITED');
    this.options.log.warn(`${this.options.name} ended: ${how}; it is started again`);
    this.launch();
  }

  private onFailedStart(how: string): void {
    const { name, log, startRetries, backoff } = this.options;
    this.failures += 1;
    if (this.failures > startRetries) {
      this.enter('FATAL');
      log.error(`${name} could not be started ${this.failures} times (${how}); it stays down until it is restarted`);
      return;
    }
    const seconds = backoffSeconds(this.failures, backoff);
    this.enter('BACKOFF');
    log.warn(`${name} ended too soon: ${how}; next try in ${seconds} seconds`);
    this.wait(seconds, () => this.launch());
  }

  private end(child: Child, how: 'leave' | 'terminate'): void {
    if (this.killTimer !== undefined) return;
    this.killTimer = setTimeout(() => {
      this.options.log.warn(`${this.options.name} did not end when it was asked to and is killed`);
      child.kill();
    }, this.options.stopWaitSeconds * 1000);
    child[how]();
  }

  private wait(seconds: number, then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, seconds * 1000);
  }

  private secondsSinceLaunch(): number {
    return (performance.now() - this.launchedAt) / 1000;
  }

  private enter(state: ProcessState): void {
    if (state === this.state) return;
    this.state = state;
    const { name, log, onState } = this.options;
    if (state === 'RUNNING') log.info(`${name} entered RUNNING state, pid ${this.child?.pid}`);
    onState?.(state);
  }
}
