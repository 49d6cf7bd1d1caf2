import { setTimeout as delay } from 'node:timers/promises';
import { mediaPlaylistUrls, segmentUrls } from '../../clients/hls.mjs';
import { type RawAnswer, rawRequest } from '../../support/raw-request';

/** What players keep ahead of the picture. */
const BUFFER_SECONDS = 12;
const RETRY_MS = 500;
const PATIENCE_MS = 5_000;
/** After a session's end one streamer may hear of it later than another. */
const NEWS_TRAVEL_MS = 5_000;

export interface Viewer {
  /** Address of the session, once there is one. */
  address(): string | null;
  /** Seconds in which the picture stood still because the buffer was empty; starting up does not count. */
  stalledSeconds(): number;
  playedSeconds(): number;
  /** What it was refused with for good; null: nothing. */
  refusal(): number | null;
  /** Milliseconds since the epoch of the last answer with media; 0: none. */
  lastServedAt(): number;
  /** Whether it was served again long after it had been refused. */
  revived(): boolean;
  /** Asks on for ever after a refusal, as somebody would who does not give in. */
  insist(): void;
  stop(): void;
  done: Promise<void>;
}

export interface ViewerOptions {
  /** Address of the multivariant playlist under a token; asked for when playback starts. */
  begin(): Promise<string>;
  from: string;
  agent: string;
}

interface Track {
  segments: string[];
  seconds: number[];
}

function durations(playlist: string): number[] {
  return [...playlist.matchAll(/#EXTINF:([\d.]+)/g)].map(([, seconds]) => Number(seconds));
}

/** A player: fetches ahead of its picture, comes back after an error, and stalls when it has nothing to show. */
export function startViewer({ begin, from, agent }: ViewerOptions): Viewer {
  const state = {
    stopped: false,
    insists: false,
    address: null as string | null,
    refusal: null as number | null,
    refusedAt: 0,
  };
  const clock = { bufferedTo: 0, position: 0, stalled: 0, at: performance.now(), lastServedAt: 0, started: false };

  /** Moves the picture to now. */
  function advance(): void {
    const now = performance.now();
    const elapsed = (now - clock.at) / 1000;
    clock.at = now;
    if (!clock.started) return;
    const shown = Math.min(elapsed, clock.bufferedTo - clock.position);
    clock.position += shown;
    clock.stalled += elapsed - shown;
  }

  async function once(url: string): Promise<RawAnswer | null> {
    const limit = delay(PATIENCE_MS, null, { ref: false });
    const answer = rawRequest(url, { from, headers: { 'user-agent': agent } }).catch(() => null);
    return Promise.race([answer, limit]);
  }

  /** Null: refused for good, or stopped. */
  async function get(url: string): Promise<{ url: string; bytes: Buffer } | null> {
    while (!state.stopped) {
      const answer = await once(url);
      const location = answer?.headers.location;
      if (answer?.status === 302 && location !== undefined) return get(new URL(location, url).href);
      if (answer?.status === 200 && !answer.aborted) {
        clock.lastServedAt = Date.now();
        return { url, bytes: answer.body };
      }
      if (answer !== null && [401, 403, 404].includes(answer.status)) {
        state.refusal ??= answer.status;
        state.refusedAt ||= Date.now();
        if (!state.insists) return null;
      }
      await delay(RETRY_MS);
    }
    return null;
  }

  async function open(): Promise<Track[] | null> {
    const multivariant = await get(await begin());
    if (multivariant === null) return null;
    state.address = multivariant.url;
    const tracks: Track[] = [];
    for (const url of mediaPlaylistUrls(multivariant)) {
      const playlist = await get(url);
      if (playlist === null) return null;
      const [init = '', ...segments] = segmentUrls(playlist);
      if ((await get(init)) === null) return null;
      tracks.push({ segments, seconds: durations(playlist.bytes.toString('utf8')) });
    }
    return tracks;
  }

  async function run(): Promise<void> {
    const tracks = await open();
    const [first] = tracks ?? [];
    if (tracks === null || first === undefined) return;
    for (let at = 0; at < first.segments.length && !state.stopped; at += 1) {
      advance();
      while (clock.bufferedTo - clock.position > BUFFER_SECONDS && !state.stopped) {
        await delay(200);
        advance();
      }
      const parts = await Promise.all(tracks.map(({ segments }) => get(segments[at] ?? segments.at(-1) ?? '')));
      advance();
      if (parts.includes(null)) return;
      clock.bufferedTo += first.seconds[at] ?? 0;
      clock.started = true;
    }
  }

  return {
    address: () => state.address,
    stalledSeconds: () => clock.stalled,
    playedSeconds: () => clock.position,
    refusal: () => state.refusal,
    lastServedAt: () => clock.lastServedAt,
    revived: () => state.refusedAt > 0 && clock.lastServedAt > state.refusedAt + NEWS_TRAVEL_MS,
    insist: () => {
      state.insists = true;
    },
    stop: () => {
      state.stopped = true;
    },
    done: run(),
  };
}
