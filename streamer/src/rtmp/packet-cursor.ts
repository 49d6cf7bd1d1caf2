import type { GrantedAsset } from '../../../server/contracts';
import type { Packager } from '../packager/packager';
import type { StreamOutline, StreamPacket } from '../packager/packet-run';

/** The last entry of `starts` that is not behind `ms`; 0 where all are. */
function runAt(starts: readonly number[], ms: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= ms) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Where reading may start: the last key picture shown at or before `ms`, or the last sound of a film without pictures. */
function entryAt(packets: readonly StreamPacket[], ms: number, hasVideo: boolean): number {
  const mayEnter = (packet: StreamPacket) => (hasVideo ? packet.kind === 'video' && packet.key : true);
  return Math.max(
    0,
    packets.findLastIndex((packet) => mayEnter(packet) && packet.ptsMs <= ms),
  );
}

/** Whose grant names the film. Its files may be moved while it runs: each renewal says where they lie. */
export interface FilmHolder {
  readonly asset: GrantedAsset;
}

/** Reads a film's packets in order, run by run; holds one run at a time. */
export class PacketCursor {
  readonly #packager: Packager;
  readonly #holder: FilmHolder;
  readonly #outline: StreamOutline;
  #packets: readonly StreamPacket[] = [];
  #at = 0;
  #nextRun = 0;

  constructor(packager: Packager, holder: FilmHolder, outline: StreamOutline) {
    this.#packager = packager;
    this.#holder = holder;
    this.#outline = outline;
  }

  /** Goes to the last key picture ≤ `ms`. Not to be called while another call of this cursor is running. */
  async seek(ms: number): Promise<void> {
    const run = runAt(this.#outline.runStartsMs, ms);
    this.#nextRun = run;
    this.#packets = [];
    if (!(await this.load())) return;
    this.#at = entryAt(this.#packets, ms, this.#outline.video !== null);
  }

  /** Undefined: `load` must fetch more. */
  peek(): StreamPacket | undefined {
    return this.#packets[this.#at];
  }

  advance(): void {
    this.#at += 1;
  }

  /** Makes the next packet ready; false at the end of the film. Rejects with `PackagingError`. */
  async load(): Promise<boolean> {
    while (this.peek() === undefined) {
      const run = await this.#packager.packetRun(this.#holder.asset, this.#nextRun);
      if (run === null) return false;
      this.#nextRun += 1;
      this.#packets = run.packets;
      this.#at = 0;
    }
    return true;
  }
}
