/** Writes that are made once more after a transaction; the many equal ones of one transaction are made once. */
export class Repeats {
  readonly #waiting = new Set<string>();

  constructor(private readonly onError: (error: Error) => void) {}

  /** Returns at once: who commits does not wait. */
  run(key: string, write: () => Promise<unknown>): void {
    if (this.#waiting.has(key)) return;
    this.#waiting.add(key);
    setImmediate(() => {
      this.#waiting.delete(key);
      write().catch((error: unknown) => this.onError(error instanceof Error ? error : new Error(String(error))));
    });
  }
}
