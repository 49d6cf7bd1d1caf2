import { Target } from 'mediabunny';

/** Boxes around the packets, and room for what the estimate forgot. */
const SLACK_BYTES = 64 * 1024;
/** More unused memory than this part of a segment is not kept behind it: caches count what is written. */
const MAX_WASTE = 1 / 16;

/**
 * Where the muxer writes a segment: one buffer of the right size, since its packets are known before its first byte is written.
 * mediabunny's own target grows by doubling and copies at the end, which costs more than cutting. The methods that begin with an
 * underscore are what mediabunny 1.61.0 calls; its types do not tell them.
 */
export class SegmentTarget extends Target {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  #expected = 0;
  #isComplete = false;

  /** Of packets that will be written. */
  expect(bytes: number): void {
    this.#expected += bytes;
  }

  /** Null: the muxer has not finished. Nothing else looks at the memory behind it. */
  get written(): Buffer | null {
    if (!this.#isComplete) return null;
    const written = this.#bytes.subarray(0, this.#length);
    const isWasteful = this.#bytes.byteLength - this.#length > this.#length * MAX_WASTE;
    // Never from the pool that small buffers share: who moves one to another thread would take the others along.
    return isWasteful ? Buffer.from(new Uint8Array(written).buffer) : written;
  }

  _start(): void {}

  _write(data: Uint8Array, position: number): void {
    const end = position + data.byteLength;
    if (end > this.#bytes.byteLength) this.#grow(end);
    this.#bytes.set(data, position);
    this.#length = Math.max(this.#length, end);
  }

  async _flush(): Promise<void> {}

  async _finalize(): Promise<void> {
    this.#isComplete = true;
  }

  async _close(): Promise<void> {}

  _getSlice(start: number, end: number): Uint8Array {
    return this.#bytes.slice(start, end);
  }

  #grow(needed: number): void {
    // Zeroed: what the muxer leaves out must not be somebody else's memory.
    const grown = Buffer.alloc(Math.max(needed, this.#expected + SLACK_BYTES));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
