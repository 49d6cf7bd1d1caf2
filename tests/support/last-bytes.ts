import { setTimeout as delay } from 'node:timers/promises';

const WATCHED_MS = 3500;
const COUNTED = /^protected_vod_(bytes_total|continuous_streams)\{protocol="([\w-]+)"\} (\d+)/gm;

/** What the streamer counts for each protocol, looked at all the time. It counts a response when the last byte has left. */
export function watchCounters(opsPort: number) {
  const counted = new Map<string, { value: number; roseAt: number }>();
  let isStopped = false;
  async function look(): Promise<void> {
    const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
    for (const [, name, protocol, digits] of text.matchAll(COUNTED)) {
      const before = counted.get(`${name} ${protocol}`) ?? { value: 0, roseAt: 0 };
      const value = Number(digits);
      const roseAt = value > before.value ? Date.now() : before.roseAt;
      counted.set(`${name} ${protocol}`, { value, roseAt });
    }
  }
  async function watch(): Promise<void> {
    for (; !isStopped; await delay(25)) await look();
  }
  const watching = watch();
  return {
    hasOpenStream: (protocol: string) => (counted.get(`continuous_streams ${protocol}`)?.value ?? 0) > 0,
    /** When the last byte over the protocol left, as is known a while after `committed`. */
    async lastByteAt(protocol: string, committed: number): Promise<number> {
      await delay(committed + WATCHED_MS - Date.now());
      return counted.get(`bytes_total ${protocol}`)?.roseAt ?? 0;
    },
    stop(): Promise<void> {
      isStopped = true;
      return watching;
    },
  };
}

/** When an address was answered for the last time, asked for again and again from now on until it is refused. */
export async function lastServedAt(url = ''): Promise<number> {
  for (let last = Date.now(); ; last = Date.now()) {
    // An answer may be cut when its session ends.
    const answer = await fetch(url, { method: 'HEAD', headers: { 'user-agent': 'paced' } }).catch(() => null);
    if (answer?.status === 403) return last;
    await delay(25);
  }
}
