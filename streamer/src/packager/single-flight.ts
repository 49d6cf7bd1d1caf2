/** Lets callers that want the same thing at the same time share one attempt. Outcomes are not kept, failures neither. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  run(key: string, attempt: () => Promise<T>): Promise<T> {
    const running = this.#flights.get(key);
    if (running) return running;
    const flight = attempt().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  /** Resolves when whatever is in flight now has ended, well or badly. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#flights.values());
  }
}
