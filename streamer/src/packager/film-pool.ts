import { LRUCache } from 'lru-cache';
import { Film, stampOf } from './film';
import { SingleFlight } from './single-flight';

/**
 * Bounded set of open films. A film that leaves it is closed when its last user is done. Before each use the file is
 * compared with the opened one, so a replaced file is never read through an old handle.
 */
export class FilmPool {
  readonly #films: LRUCache<string, Film>;
  readonly #openings = new SingleFlight<Film>();
  readonly #closings = new Set<Promise<void>>();

  constructor(maxFilms: number) {
    this.#films = new LRUCache({ max: maxFilms, dispose: (film) => this.#retire(film) });
  }

  get size(): number {
    return this.#films.size;
  }

  /** Errors of opening and of `task` pass through unchanged. */
  async use<T>(path: string, task: (film: Film) => Promise<T>): Promise<T> {
    for (;;) {
      const film = await this.#openings.run(path, () => this.#current(path));
      // Between opening and this tick another opening may have pushed it out.
      if (film.usable) return film.use(task);
    }
  }

  async close(): Promise<void> {
    await this.#openings.settled();
    this.#films.clear();
    await Promise.allSettled(this.#closings);
  }

  async #current(path: string): Promise<Film> {
    const open = this.#films.get(path);
    if (open && (await this.#isCurrent(open, path))) return open;
    const film = await Film.open(path);
    this.#films.set(path, film);
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
