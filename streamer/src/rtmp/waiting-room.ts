import { addressPrefixOf } from '../../../server/contracts';

/** Connections of one network that were not admitted yet: a lecture hall may start at once, a flood may not. */
const MAX_WAITING_PER_PREFIX = 256;

/** Counts who has connected and was not admitted yet, by network. */
export class WaitingRoom {
  readonly #waiting = new Map<string, number>();

  /** Null: the room is full for this network. Otherwise whoever entered leaves once, by calling what is returned. */
  enter(address: string): (() => void) | null {
    const prefix = addressPrefixOf(address);
    const count = this.#waiting.get(prefix) ?? 0;
    if (count >= MAX_WAITING_PER_PREFIX) return null;
    this.#waiting.set(prefix, count + 1);
    let isInside = true;
    return () => {
      if (isInside) this.#leave(prefix);
      isInside = false;
    };
  }

  #leave(prefix: string): void {
    const count = (this.#waiting.get(prefix) ?? 1) - 1;
    if (count > 0) this.#waiting.set(prefix, count);
    else this.#waiting.delete(prefix);
  }
}
