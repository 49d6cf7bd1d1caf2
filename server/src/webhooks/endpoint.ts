import { setTimeout as delay } from 'node:timers/promises';
import { backOffMs, MAX_ATTEMPTS } from './back-off';
import type { Poster } from './post';
import { signedHeaders } from './signature';

/** Some 7 MB. */
const CAPACITY = 10_000;

export interface Delivery {
  id: string;
  /** As it is sent, and signed. */
  body: string;
}

export interface EndpointLog {
  warn(message: string): void;
  error(message: string): void;
  info(message: string): void;
}

export interface EndpointParts {
  /** How logs name it. Not its address: a path may be as good as a password. */
  name: string;
  secret: string;
  poster: Poster;
  log: EndpointLog;
  backOff?: (attempts: number) => number;
  capacity?: number;
}

function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Never the message, which may repeat addresses. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error ? String(error.code) : error.name;
}

/**
 * One receiver: events in order, one at a time, each until it is accepted or was tried often enough. What waits is bounded;
 * what finds no place is lost, and that is told.
 */
export class Endpoint {
  readonly #queue: Delivery[] = [];
  readonly #closing = new AbortController();
  #working: Promise<void> | null = null;
  #isClosing = false;
  #isFailing = false;
  #lost = 0;

  constructor(private readonly parts: EndpointParts) {}

  send(delivery: Delivery): void {
    if (this.#isClosing) return;
    if (this.#queue.length >= (this.parts.capacity ?? CAPACITY)) {
      this.#lose('too many wait');
      return;
    }
    this.#queue.push(delivery);
    this.#working ??= this.#work();
  }

  /** Delivers what waits, for so long at most and only while all goes well. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    if (this.#isFailing) this.#closing.abort();
    const { signal } = this.#closing;
    const grace = delay(graceMs, undefined, { signal, ref: false }).catch(() => undefined);
    await Promise.race([this.#working, grace]);
    this.#closing.abort();
    await this.#working;
    this.parts.poster.close();
    const lost = this.#lost + this.#queue.length;
    if (lost > 0) this.parts.log.warn(`${this.parts.name}: ${lost} events were not delivered before the end.`);
  }

  async #work(): Promise<void> {
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      const isDone = await this.#deliver(head);
      if (!isDone) break;
      this.#queue.shift();
      if (!this.#isFailing && this.#queue.length === 0) this.#clear();
    }
    // Before anything else runs: what comes from now on begins anew.
    this.#working = null;
  }

  /** False: there is no more time. True: delivered, or given up. */
  async #deliver(delivery: Delivery): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      const failure = await this.#attempt(delivery);
      if (failure === null) {
        if (this.#isFailing) this.#clear();
        return true;
      }
      if (this.#isClosing) return false;
      this.#fail(failure);
      if (attempt === MAX_ATTEMPTS) {
        this.#lose(`not accepted ${MAX_ATTEMPTS} times`);
        return true;
      }
      const { backOff = backOffMs } = this.parts;
      await delay(backOff(attempt), undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
      if (this.#isClosing) return false;
    }
  }

  /** Null: accepted. */
  async #attempt({ id, body }: Delivery): Promise<string | null> {
    const { poster, secret } = this.parts;
    const headers = signedHeaders(id, Math.floor(Date.now() / 1000), body, secret);
    try {
      const status = await poster.post({ headers, body, signal: this.#closing.signal });
      return isGood(status) ? null : `status ${status}`;
    } catch (error) {
      return codeOf(error);
    }
  }

  #fail(failure: string): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.parts.log.warn(`${this.parts.name} does not take events (${failure}). They wait and are tried again.`);
  }

  #lose(why: string): void {
    if (this.#lost === 0) this.parts.log.error(`${this.parts.name} loses events (${why}).`);
    this.#lost += 1;
  }

  /** All is well again. */
  #clear(): void {
    if (!this.#isFailing && this.#lost === 0) return;
    const loss = this.#lost > 0 ? ` ${this.#lost} were lost.` : '';
    this.parts.log.info(`${this.parts.name} takes events again.${loss}`);
    this.#isFailing = false;
    this.#lost = 0;
  }
}
