/**
 * The resolvers of one GraphQL operation that are at work. Strapi loads each relation of each row by itself, one here and
 * one there; what shall be asked for all rows at once has to wait until no more rows can come.
 */
export class ResolverTraffic {
  #running = 0;
  #waiting: (() => void)[] = [];
  #isLooking = false;

  /** A resolver begins; call what it returns when it has ended. */
  begin(): () => void {
    this.#running += 1;
    return () => {
      this.#running -= 1;
      this.#look();
    };
  }

  /** Resolves when all resolvers that have not ended are waiting here. */
  quiet(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#look();
    });
  }

  /** In the next turn, because what has ended may begin others in this one. */
  #look(): void {
    if (this.#isLooking || this.#waiting.length === 0) return;
    this.#isLooking = true;
    setImmediate(() => {
      this.#isLooking = false;
      if (this.#running > this.#waiting.length) return;
      const ready = this.#waiting;
      this.#waiting = [];
      for (const resolve of ready) resolve();
    });
  }
}
