import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Core } from '@strapi/strapi';
import { ERRORS, type Lock, type Locker } from '@tus/server';
import { getService } from '../get-service';
import { type IncomingLeases, LEASE_MS } from '../incoming-films/leases';
import { refusalAnswer } from './answers';

const LOOK_EVERY_MS = 100;
const RENEW_EVERY_MS = LEASE_MS / 4;
/** Longer than the lease of a process that has died. */
const WAIT_MS = LEASE_MS + 5_000;

type RequestRelease = () => Promise<void> | void;

/** Requests of this process that hold an upload: they are asked at once to let go, others at their next renewal. */
type Holders = Map<string, RequestRelease>;

class UploadLock implements Lock {
  readonly #mark = randomBytes(16).toString('hex');
  #beat: NodeJS.Timeout | undefined;

  constructor(
    private readonly id: string,
    private readonly leases: IncomingLeases,
    private readonly holders: Holders,
  ) {}

  async lock(signal: AbortSignal, requestRelease: RequestRelease): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    for (let taken = await this.#take(); !taken; taken = await this.#take()) {
      // tus 1.0.0 knows no status for it; clients know 423 (RFC 4918 §11.3) and ask again later.
      if (performance.now() > deadline) throw refusalAnswer(423, 'upload-locked', 'Another request sends this upload.');
      await this.holders.get(this.id)?.();
      await this.leases.want(this.id);
      await delay(LOOK_EVERY_MS);
      if (signal.aborted) throw ERRORS.ABORTED;
    }
    this.holders.set(this.id, requestRelease);
    this.#keep(requestRelease);
  }

  async unlock(): Promise<void> {
    clearInterval(this.#beat);
    this.holders.delete(this.id);
    await this.leases.release(this.id, this.#mark);
  }

  async #take(): Promise<boolean> {
    const outcome = await this.leases.take(this.id, this.#mark);
    if (outcome === 'missing') throw ERRORS.FILE_NOT_FOUND;
    return outcome === 'taken';
  }

  #keep(requestRelease: RequestRelease): void {
    let lostAt = performance.now() + LEASE_MS;
    const renew = async () => {
      const asked = performance.now();
      const state = await this.leases.renew(this.id, this.#mark).catch(() => 'unknown' as const);
      if (state === 'held' || state === 'wanted') lostAt = asked + LEASE_MS;
      // Whoever takes it over then must not find this one still writing.
      if (state === 'wanted' || state === 'lost' || performance.now() + RENEW_EVERY_MS > lostAt) await requestRelease();
    };
    this.#beat = setInterval(() => void renew(), RENEW_EVERY_MS);
    this.#beat.unref();
  }
}

/** One request at a time works on an upload, on whatever node: the database says who. */
export class UploadLocks implements Locker {
  readonly #leases: IncomingLeases;
  readonly #holders: Holders = new Map();

  constructor(strapi: Core.Strapi) {
    this.#leases = getService(strapi, 'incoming-films').leases;
  }

  newLock(id: string): Lock {
    return new UploadLock(id, this.#leases, this.#holders);
  }

  /** Runs work that nobody may interrupt. Throws what tus answers where the upload is missing or stays locked. */
  async during<T>(id: string, work: () => Promise<T>): Promise<T> {
    const lock = this.newLock(id);
    await lock.lock(new AbortController().signal, () => undefined);
    try {
      return await work();
    } finally {
      await lock.unlock();
    }
  }
}
