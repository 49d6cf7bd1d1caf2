import { createTokenBuckets } from '../rate-limits/token-bucket';

const A_MINUTE = 60;
const SUMMARY_EVERY_MS = 60_000;

/**
 * Rows of the audit are aggregated already; a flood from many networks is thousands of rows a minute all the same. So
 * many are told one by one, the others by number (S26). `clock`: monotonic milliseconds.
 */
export class RefusalLimit {
  readonly #bucket;
  #untold = 0;
  #since = 0;

  constructor(private readonly clock: () => number = () => performance.now()) {
    this.#bucket = createTokenBuckets(clock);
  }

  /** Whether this one is told by itself; otherwise it is counted. */
  admits(): boolean {
    if (this.#bucket.take('', A_MINUTE) === null) return true;
    if (this.#untold === 0) this.#since = this.clock();
    this.#untold += 1;
    return false;
  }

  /** How many were counted, once a minute is over since the first of them; 0: nothing is to be told now. */
  takeDue(): number {
    return this.#untold > 0 && this.#since + SUMMARY_EVERY_MS <= this.clock() ? this.take() : 0;
  }

  take(): number {
    const count = this.#untold;
    this.#untold = 0;
    return count;
  }
}
