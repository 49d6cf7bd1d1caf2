import type { Clock } from '../access/clock';
import type { PlaybackSession } from '../access/gate';
import type { StreamPacket } from '../packager/packet-run';
import type { FilmStream } from './film-stream';
import type { FlvMessage } from './nms';

/** How far ahead of real time a viewer is served: what a player buffers before it dares to start. */
const LOOKAHEAD_MS = 5_000;
const BATCH_MS = 200;
/** Never more than this, and one message, waits for a slow reader. */
const MAX_QUEUED_BYTES = 1024 * 1024;
/** A reader that takes nothing for this long has gone or wants to hold memory. */
const STALL_MS = 60_000;
/** S13 in steps: the right to a second of media is claimed before its first packet leaves. */
const CLAIM_SECONDS = 1;

/** Where messages go. */
export interface Outlet {
  /** Handed over, but not yet given to the system. */
  queuedBytes(): number;
  /** Sends them in one go and returns their bytes on the wire. */
  send(messages: FlvMessage[]): number;
}

export interface PumpEvents {
  /** The last packet was handed to the outlet. `play` may follow. */
  ended(): void;
  /** The right to be served is gone. */
  lapsed(): void;
  stalled(): void;
  failed(error: unknown): void;
}

export interface PumpParts {
  stream: Pick<FilmStream, 'coding' | 'cursor'>;
  session: Pick<PlaybackSession, 'mayContinue' | 'claimMedia' | 'countBytes'>;
  outlet: Outlet;
  events: PumpEvents;
  clock: Clock;
}

/**
 * Sends one viewer a film at the speed of watching, some seconds ahead. Whoever owns the outlet calls `rouse` when it has
 * drained.
 */
export class Pump {
  readonly #parts: PumpParts;
  /** Raised by whatever makes the running loop a thing of the past. */
  #generation = 0;
  /** Loops run one after another: two would read the same cursor in turns. */
  #loops: Promise<void> = Promise.resolve();
  #rouse: () => void = () => undefined;
  #prologue: FlvMessage[] = [];
  #isFirst = false;
  #startMs = 0;
  #startedAt = 0;
  #claimedUntilMs = 0;
  #progressAt = 0;
  #pausedAt: number | null = null;

  constructor(parts: PumpParts) {
    this.#parts = parts;
  }

  /** Starts, or starts anew, at the last key picture ≤ `fromMs`. While paused, only that picture is sent. */
  play(fromMs: number): void {
    this.#generation += 1;
    const generation = this.#generation;
    this.#rouse();
    this.#loops = this.#loops
      .then(() => this.#run(generation, fromMs))
      .catch((error: unknown) => {
        if (this.#isCurrent(generation)) this.#parts.events.failed(error);
      });
  }

  pause(): void {
    this.#pausedAt ??= this.#parts.clock();
  }

  resume(): void {
    if (this.#pausedAt === null) return;
    this.#startedAt += this.#parts.clock() - Math.max(this.#pausedAt, this.#startedAt);
    this.#pausedAt = null;
    this.#progressAt = this.#parts.clock();
    this.#rouse();
  }

  rouse(): void {
    this.#rouse();
  }

  stop(): void {
    this.#generation += 1;
    this.#rouse();
  }

  #isCurrent(generation: number): boolean {
    return generation === this.#generation;
  }

  async #run(generation: number, fromMs: number): Promise<void> {
    const { cursor, coding } = this.#parts.stream;
    if (!this.#isCurrent(generation)) return;
    await cursor.seek(fromMs);
    this.#startMs = cursor.peek()?.dtsMs ?? fromMs;
    this.#startedAt = this.#parts.clock();
    this.#progressAt = this.#startedAt;
    this.#claimedUntilMs = this.#startMs;
    this.#prologue = coding.prologue(this.#startMs);
    this.#isFirst = true;
    while (this.#isCurrent(generation)) await this.#turn(generation);
  }

  async #turn(generation: number): Promise<void> {
    const { session, stream, outlet, events, clock } = this.#parts;
    if (!session.mayContinue()) {
      this.stop();
      events.lapsed();
      return;
    }
    const messages = this.#collect();
    if (messages.length > 0) {
      session.countBytes(outlet.send(messages));
      this.#progressAt = clock();
    }
    if (stream.cursor.peek() !== undefined) return this.#rest();
    const hasMore = await stream.cursor.load();
    if (hasMore || !this.#isCurrent(generation)) return;
    this.stop();
    events.ended();
  }

  /** What may be sent now. */
  #collect(): FlvMessage[] {
    const { stream, outlet } = this.#parts;
    let room = MAX_QUEUED_BYTES - outlet.queuedBytes();
    const messages = this.#prologue;
    this.#prologue = [];
    for (let packet = stream.cursor.peek(); packet !== undefined && room > 0; packet = stream.cursor.peek()) {
      if (!this.#maySend(packet)) break;
      // An empty packet says nothing, and node-media-server writes it wrongly.
      if (packet.data.length > 0) messages.push(stream.coding.message(packet));
      room -= packet.data.length;
      stream.cursor.advance();
    }
    return messages;
  }

  #maySend(packet: StreamPacket): boolean {
    if (this.#pausedAt !== null && !this.#isFirst) return false;
    const elapsedMs = this.#parts.clock() - this.#startedAt;
    if (packet.dtsMs - this.#startMs > elapsedMs + LOOKAHEAD_MS) return false;
    if (packet.dtsMs >= this.#claimedUntilMs) {
      if (this.#parts.session.claimMedia('progressive', CLAIM_SECONDS) > 0) return false;
      this.#claimedUntilMs = packet.dtsMs + CLAIM_SECONDS * 1000;
    }
    this.#isFirst = false;
    return true;
  }

  /** Until the next batch is due or somebody rouses. */
  #rest(): Promise<void> {
    const isBlocked = this.#parts.outlet.queuedBytes() >= MAX_QUEUED_BYTES;
    if (!isBlocked) this.#progressAt = this.#parts.clock();
    else if (this.#parts.clock() - this.#progressAt > STALL_MS) {
      this.stop();
      this.#parts.events.stalled();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, BATCH_MS);
      this.#rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
