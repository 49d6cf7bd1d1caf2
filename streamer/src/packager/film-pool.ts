import { LRUCache } from 'lru-cache';
import { Film, stampOf } from './film';
import { SingleFlight } from './single-flight';

export interface FilmPoolLimits {
  films: number;
  /** What their sample tables and read-ahead may take, roughly. */
  bytes: number;
}

/** Read-ahead and the like. */
const FILM_BYTES = 3 * 1024 * 1024;
/** What the muxer keeps for each packet of an open film, measured. */
const PACKET_BYTES = 96;

/**
 * Bounded set of open films. A film that leaves it is closed when its last user is done. Before each use the file is
 * compared with the opened one, so a replaced file is never read through an old handle.
 */
export class FilmPool {
  readonly #films: LRUCache<string, Film>;
  readonly #openings = new SingleFlight<Film>();
  readonly #closings = new Set<Promise<void>>();

  constructor(private readonly limits: FilmPoolLimits) {
    this.#films = new LRUCache({
      max: limits.films,
      maxSize: limits.bytes,
      dispose: (film) => this.#retire(film),
    });
  }

  get size(): number {
    return this.#films.size;
  }

  /** `packets`: about how many the film has, if that is known. Errors of opening and of `task` pass through unchanged. */
  async use<T>(path: string, task: (film: Film) => Promise<T>, packets = 0): Promise<T> {
    for (;;) {
      const film = await this.#openings.run(path, () => this.#current(path, packets));
      // Between opening and this tick another opening may have pushed it out.
      if (film.usable) return film.use(task);
    }
  }

  async close(): Promise<void> {
    await this.#openings.settled();
    this.#films.clear();
    await Promise.allSettled(this.#closings);
  }

  async #current(path: string, packets: number): Promise<Film> {
    const open = this.#films.get(path);
    if (open && (await this.#isCurrent(open, path))) return open;
    const film = await Film.open(path);
    // What weighs more than all films may has to be kept all the same, alone.
    this.#films.set(path, film, { size: Math.min(this.limits.bytes, FILM_BYTES + Math.ceil(packets) * PACKET_BYTES) });
    return film;
  }

  async #isCurrent(film: Film, path: string): Promise<boolean> {
    try {
      return film.stamp === (await stampOf(path)) && film.usable;
    } catch (error) {
      // Or the handle would keep the bytes of a deleted film on the disk.
      this.#films.delete(path);
      throw error;
    }
  }

  #retire(film: Film): void {
    const closing = film.retire().finally(() => this.#closings.delete(settled));
    // Nobody waits for the close of an evicted film; its failure loses nothing.
    const settled = closing.catch(() => undefined);
    this.#closings.add(settled);
  }
}
