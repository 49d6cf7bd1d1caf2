const MIB = 1024 ** 2;
/** A ceiling that a fresh process reaches at once must not keep the site restarting. */
const MIN_INTERVAL_MS = 10 * 60 * 1000;

export interface MemoryCeiling {
  maxBytes: number;
  warn(sentence: string): void;
  replace(): void;
}

/** Takes what the streamer tells of its resident memory; above the ceiling it is replaced, once in ten minutes at most. */
export function createMemoryCeiling({ maxBytes, warn, replace }: MemoryCeiling): (rssBytes: number) => void {
  let replacedAt = Number.NEGATIVE_INFINITY;
  return (rssBytes) => {
    if (rssBytes <= maxBytes || performance.now() - replacedAt < MIN_INTERVAL_MS) return;
    replacedAt = performance.now();
    const [has, may] = [rssBytes, maxBytes].map((bytes) => Math.round(bytes / MIB));
    warn(`streamer: ${has} MiB of memory, more than streamer.maxMemoryBytes (${may} MiB); it is replaced`);
    replace();
  };
}
