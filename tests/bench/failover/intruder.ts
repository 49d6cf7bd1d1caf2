import { setTimeout as delay } from 'node:timers/promises';
import { rawRequest } from '../../support/raw-request';
import type { Viewer } from './viewer';

export interface Intruder {
  attempts(): number;
  /** Answers that held anything of a film or its playlists. */
  breaches(): number;
  stop(): Promise<void>;
}

/** Somebody with copies of the viewers' addresses, in other networks and with a player of his own, who never rests. */
export function startIntruder(viewers: readonly Viewer[], everyMs: number): Intruder {
  const seen = { attempts: 0, breaches: 0, stopped: false };
  async function run(): Promise<void> {
    while (!seen.stopped) {
      const at = seen.attempts % viewers.length;
      const address = viewers[at]?.address();
      // No other request of this run comes from there.
      const from = `127.${200 + (seen.attempts % 50)}.${(seen.attempts >> 4) & 255}.1`;
      seen.attempts += 1;
      if (address) {
        const headers = { 'user-agent': `intruder ${seen.attempts}` };
        const answer = await rawRequest(address, { from, headers }).catch(() => null);
        if (answer !== null && answer.status < 400) seen.breaches += 1;
      }
      await delay(everyMs);
    }
  }
  const running = run();
  return {
    attempts: () => seen.attempts,
    breaches: () => seen.breaches,
    async stop() {
      seen.stopped = true;
      await running;
    },
  };
}
