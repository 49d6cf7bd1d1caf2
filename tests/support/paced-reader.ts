import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const TICK_MS = 50;

/** A viewer who reads at the film's own pace, until it is cut off. */
export interface PacedReader {
  /** Resolves with the moment (milliseconds since the epoch) at which nothing more could be read. */
  cutOff: Promise<number>;
  bytes(): number;
  stop(): void;
}

interface Reading {
  bytesPerSecond: number;
  count(bytes: number): void;
  isStopped(): boolean;
}

/** Reads one response at a pace; false when it was refused or cut off. */
function readOne(url: string, { bytesPerSecond, count, isStopped }: Reading): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(url, { headers: { 'user-agent': 'paced' }, agent: false }, async (response) => {
      let complete = false;
      response.once('end', () => {
        complete = true;
      });
      response.on('error', () => {});
      if ((response.statusCode ?? 0) >= 400) return resolve(false);
      const size = Math.round((bytesPerSecond * TICK_MS) / 1000);
      while (!response.destroyed && !complete && !isStopped()) {
        const chunk = (response.read(Math.min(size, response.readableLength || size)) ?? null) as Buffer | null;
        if (chunk) count(chunk.byteLength);
        await delay(TICK_MS);
      }
      response.destroy();
      resolve(complete);
    });
    request.on('error', () => resolve(false));
  });
}

/** Reads the addresses one after another at `bytesPerSecond`. */
export function readPaced(urls: string[], bytesPerSecond: number): PacedReader {
  let bytes = 0;
  let stopped = false;
  const reading: Reading = {
    bytesPerSecond,
    count: (more) => {
      bytes += more;
    },
    isStopped: () => stopped,
  };
  const run = async (): Promise<number> => {
    for (const url of urls) if (!(await readOne(url, reading))) break;
    return Date.now();
  };
  return {
    cutOff: run(),
    bytes: () => bytes,
    stop: () => {
      stopped = true;
    },
  };
}
