import { setTimeout as delay } from 'node:timers/promises';
import { representationUrls } from '../clients/dash.mjs';
import { mediaPlaylistUrls, segmentUrls } from '../clients/hls.mjs';
import { openResponse } from './client-requests';
import { createRandom, type Random } from './hostile/random';
import { type RawAnswer, rawRequest } from './raw-request';

/** One viewer's: the second is the television that the same home sends the film to. */
const DEVICES = [
  { from: '127.0.0.1', agent: 'browser' },
  { from: '127.0.0.9', agent: 'AirPlay' },
] as const;
type Device = (typeof DEVICES)[number];

/** What S13 permits, with some room: it is no pace that players come near. */
const FASTEST = { bufferSeconds: 580, factor: 3.9 };
/** In media seconds: what may be under way when a long answer is broken off, and more than a short range holds. */
const BROKEN_OFF_SECONDS = 20;
const RANGE_SECONDS = 0.2;
const RANGE_BYTES = 65_536;

export interface FilmWalk {
  /** As the token endpoint answers them. */
  urls: { hls: string; dash: string; mp4: string };
  filmSeconds: number;
  /** As a viewer watches, or as fast as the pace permits. */
  speed: 'real-time' | 'fastest';
  seed: number;
}

export interface WalkReport {
  requests: number;
  /** How many of each kind. */
  kinds: Record<string, number>;
  /** Each with its kind and status. */
  refusals: string[];
  seconds: number;
}

interface Film {
  /** Addresses under the session's id, by protocol, of the segments of its tracks. */
  tracks: { hls: string[][]; dash: string[][] };
  playlists: string[];
  inits: string[];
  mp4: string;
  sizeBytes: number;
}

/** One client's requests, and what became of them. */
class Walker {
  readonly kinds: Record<string, number> = {};
  readonly refusals: string[] = [];
  readonly startedAt = performance.now();
  #mediaSeconds = 0;

  constructor(private readonly speed: FilmWalk['speed']) {}

  note(kind: string, status: number): void {
    this.kinds[kind] = (this.kinds[kind] ?? 0) + 1;
    if (status >= 400) this.refusals.push(`${kind}: ${status}`);
  }

  async ask(kind: string, url: string, device: Device, headers: Record<string, string> = {}): Promise<RawAnswer> {
    const answer = await rawRequest(url, { from: device.from, headers: { 'user-agent': device.agent, ...headers } });
    this.note(answer.aborted ? `${kind}, cut` : kind, answer.aborted ? 499 : answer.status);
    return answer;
  }

  /** At the token's own address; resolves to the answer under the session's id, and its address. */
  async load(kind: string, url: string, device: Device, headers: Record<string, string> = {}) {
    const { headers: found } = await this.ask(`${kind} by token`, url, device, headers);
    const address = new URL(found.location ?? '', url).href;
    return { url: address, ...(await this.ask(kind, address, device, headers)) };
  }

  /** Waits until `seconds` more may be had; `position` is what a viewer has seen by then. */
  async keepPace(position: number, seconds: number): Promise<void> {
    this.#mediaSeconds += seconds;
    const { bufferSeconds, factor } = FASTEST;
    const at = this.speed === 'real-time' ? position : (this.#mediaSeconds - bufferSeconds) / factor;
    const waitMs = this.startedAt + at * 1000 - performance.now();
    if (waitMs > 0) await delay(waitMs);
  }
}

async function openFilm(walker: Walker, urls: FilmWalk['urls']): Promise<Film> {
  const [browser] = DEVICES;
  const main = await walker.load('playlist', urls.hls, browser);
  const playlists = mediaPlaylistUrls({ url: main.url, bytes: main.body });
  const hls: string[][] = [];
  for (const url of playlists) {
    hls.push(segmentUrls({ url, bytes: (await walker.ask('playlist', url, browser)).body }));
  }
  const manifest = await walker.load('manifest', urls.dash, browser);
  const dash = representationUrls({ url: manifest.url, bytes: manifest.body });
  const whole = await walker.load('range', urls.mp4, browser, { range: 'bytes=0-0' });
  return {
    tracks: { hls: hls.map((track) => track.slice(1)), dash: dash.map((track) => track.slice(1)) },
    playlists: [main.url, manifest.url, ...playlists],
    inits: [...hls, ...dash].flatMap(([init]) => init ?? []),
    mp4: whole.url,
    sizeBytes: Number(whole.headers['content-range']?.split('/')[1]),
  };
}

/** Opens the film at a place and goes elsewhere, as a seeking player does. */
async function breakOff(walker: Walker, { mp4, sizeBytes }: Film, at: number): Promise<void> {
  await walker.keepPace(0, BROKEN_OFF_SECONDS);
  const range = `bytes=${Math.floor(at * sizeBytes)}-`;
  const opened = await openResponse(mp4, DEVICES[0], { range });
  opened.close();
  walker.note('range, broken off', opened.status);
}

/** What happens beside the film itself, each now and then. */
function asides(walker: Walker, film: Film, urls: FilmWalk['urls'], random: Random) {
  const device = () => random.pick(DEVICES);
  const range = (text: string) => walker.ask('range', film.mp4, device(), { range: text });
  const piece = async () => {
    const first = random.below(film.sizeBytes - RANGE_BYTES);
    await walker.keepPace(0, RANGE_SECONDS);
    return range(`bytes=${first}-${first + RANGE_BYTES - 1}`);
  };
  const playlist = () => walker.ask('playlist', random.pick(film.playlists), device());
  const init = () => walker.ask('init segment', random.pick(film.inits), device());
  return [
    { chance: 0.5, run: playlist },
    { chance: 0.2, run: () => walker.load('page', random.pick([urls.hls, urls.dash]), device()) },
    { chance: 0.1, run: () => walker.load('page', urls.mp4, device(), { range: 'bytes=-1' }) },
    { chance: 0.4, run: piece },
    { chance: 0.2, run: () => Promise.all([init(), playlist(), range('bytes=0-0'), init(), playlist(), piece()]) },
  ];
}

/**
 * Watches a film from its first to its last second with everything that one viewer may do: seeks, reloads of page and
 * playlists, ranges, parallel requests, a change of protocol, another device in the same network.
 */
export async function walkFilm({ urls, filmSeconds, speed, seed }: FilmWalk): Promise<WalkReport> {
  const random = createRandom(seed);
  const walker = new Walker(speed);
  const film = await openFilm(walker, urls);
  const beside = asides(walker, film, urls, random);
  const count = film.tracks.hls[0]?.length ?? 0;
  const segmentSeconds = filmSeconds / count;
  let place = 0;
  for (let step = 0; step < count; step += 1, place = (place + 1) % count) {
    if (random.next() < 0.2) place = random.below(count);
    await walker.keepPace(step * segmentSeconds, segmentSeconds);
    const protocol = Math.floor(step / 10) % 2 === 0 ? 'hls' : 'dash';
    const device = DEVICES[Math.floor(step / 5) % 4 === 3 ? 1 : 0];
    await Promise.all(
      film.tracks[protocol].map((track) => walker.ask(`${protocol} segment`, track[place] ?? '', device)),
    );
    if (step % 20 === 7) await breakOff(walker, film, random.next());
    // Twice, because a segment is long.
    for (const { chance, run } of [...beside, ...beside]) if (random.next() < chance) await run();
  }
  // The last one is watched, too.
  if (speed === 'real-time') await walker.keepPace(filmSeconds, 0);
  const { kinds, refusals } = walker;
  const requests = Object.values(kinds).reduce((sum, number) => sum + number, 0);
  return { requests, kinds, refusals, seconds: (performance.now() - walker.startedAt) / 1000 };
}

export function describeWalk({ requests, kinds, refusals, seconds }: WalkReport): string {
  const each = Object.entries(kinds).map(([kind, number]) => `${number} ${kind}`);
  return `${requests} requests of one client in ${seconds.toFixed(0)} s, ${refusals.length} refused (${each.join(', ')})`;
}
