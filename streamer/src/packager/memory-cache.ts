import { LRUCache } from 'lru-cache';
import type { PacketRun } from './packet-run';

export interface CachedSegment {
  bytes: Buffer;
  /** SHA-256 of `bytes`, in hex. */
  digest: string;
}

interface CachedRun {
  run: PacketRun;
  byteLength: number;
}

/** What an object for each packet takes beside the packet's data. */
const PACKET_OVERHEAD_BYTES = 256;

function sizeOf(kept: CachedSegment | CachedRun): number {
  const bytes =
    'run' in kept ? kept.byteLength + kept.run.packets.length * PACKET_OVERHEAD_BYTES : kept.bytes.byteLength;
  return Math.max(1, bytes);
}

/** Segments and packet runs in memory, bounded by bytes together, least recently used out first. */
export class MemoryCache {
  readonly #kept: LRUCache<string, CachedSegment | CachedRun> | null;

  /** 0 bytes: nothing is kept. */
  constructor(maxBytes: number) {
    this.#kept = maxBytes > 0 ? new LRUCache({ maxSize: maxBytes, sizeCalculation: sizeOf }) : null;
  }

  segment(key: string): CachedSegment | undefined {
    const kept = this.#kept?.get(key);
    return kept && 'bytes' in kept ? kept : undefined;
  }

  run(key: string): PacketRun | undefined {
    const kept = this.#kept?.get(key);
    return kept && 'run' in kept ? kept.run : undefined;
  }

  keepSegment(key: string, segment: CachedSegment): void {
    this.#kept?.set(key, segment);
  }

  /** `byteLength`: of all packets' data. */
  keepRun(key: string, run: PacketRun, byteLength: number): void {
    this.#kept?.set(key, { run, byteLength });
  }

  clear(): void {
    this.#kept?.clear();
  }
}
