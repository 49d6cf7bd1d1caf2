import type { Grant } from '../../../server/contracts';
import type { Clock } from './clock';

/** What media seconds are counted by. Video and audio of one film run side by side and count once. */
export type PacedKind = 'video' | 'audio' | 'progressive';

/**
 * S13: media seconds served ≤ elapsed × factor + buffer, since this streamer first held the session. Bounds how many
 * viewers one session can feed and how fast it can be copied.
 */
export class MediaPace {
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #served: Record<PacedKind, number> = { video: 0, audio: 0, progressive: 0 };
  #reported = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock();
  }

  /** Milliseconds until `seconds` more of `kind` may be served; 0: now. */
  waitMs(kind: PacedKind, seconds: number, { factor, bufferSeconds }: Grant['pace']): number {
    const served = this.#total(kind, seconds);
    const elapsedMs = this.#clock() - this.#startedAt;
    return Math.max(0, ((served - bufferSeconds) / factor) * 1000 - elapsedMs);
  }

  count(kind: PacedKind, seconds: number): void {
    this.#served[kind] += seconds;
  }

  get unreported(): number {
    return Math.max(0, this.#total() - this.#reported);
  }

  takeUnreported(): number {
    const seconds = this.unreported;
    this.#reported += seconds;
    return seconds;
  }

  restoreUnreported(seconds: number): void {
    this.#reported -= seconds;
  }

  /** With `seconds` more of `kind`. */
  #total(kind?: PacedKind, seconds = 0): number {
    const served = (counted: PacedKind): number => this.#served[counted] + (counted === kind ? seconds : 0);
    return Math.max(served('video'), served('audio')) + served('progressive');
  }
}
