import { setTimeout as delay } from 'node:timers/promises';
import type { Core } from '@strapi/strapi';
import { configOf } from '../../config';
import { VodError } from '../../errors';
import { lockLibrary } from '../../storage/keeper-lock';
import type { StoredFilm } from '../../storage/moving/ledger';
import { moveFilm, retireOldName, withdraw } from '../../storage/moving/move-film';
import { STRATEGIES, type StrategyName } from '../../storage/strategies';
import { getService } from '../get-service';
import { foldersOf } from './folders';
import { createLedger, type DatabaseLedger, type UnreadableRow } from './ledger';

export type MoveEvent =
  | { kind: 'moved'; assetId: string; from: string; to: string }
  | { kind: 'in-place' | 'changed'; assetId: string; key: string }
  | { kind: 'failed'; assetId: string; key: string; code: string; message: string }
  /** Old names go when no grant can hold them any more. */
  | { kind: 'waiting'; films: number; seconds: number };

interface OldName {
  assetId: string;
  dueAt: number;
}

function failure(film: StoredFilm, error: unknown): MoveEvent {
  if (!(error instanceof VodError)) throw error;
  return { kind: 'failed', assetId: film.assetId, key: film.storageKey, code: error.code, message: error.message };
}

function unreadable({ assetId, keys: [key = ''] }: UnreadableRow): MoveEvent {
  const message = 'Its row cannot be read: see `storage verify`.';
  return { kind: 'failed', assetId: assetId ?? '', key, code: 'row-unreadable', message };
}

/** Old names that streamers may still hold: a grant that was read before the row changed lives as long as this. */
class OldNames {
  readonly #waiting: OldName[] = [];
  readonly #graceMs: number;

  constructor(
    private readonly strapi: Core.Strapi,
    private readonly ledger: DatabaseLedger,
  ) {
    const { leaseSeconds, outageGraceSeconds } = configOf(strapi).session;
    this.#graceMs = (leaseSeconds + outageGraceSeconds + 1) * 1000;
  }

  add(assetId: string): void {
    this.#waiting.push({ assetId, dueAt: performance.now() + this.#graceMs });
  }

  /** Removes those that are due. */
  async *retireDue(): AsyncGenerator<MoveEvent> {
    const { root } = getService(this.strapi, 'storage');
    for (let first = this.#waiting[0]; first && first.dueAt <= performance.now(); first = this.#waiting[0]) {
      this.#waiting.shift();
      if (await retireOldName(root, this.ledger, first.assetId)) continue;
      const film = await this.ledger.find(first.assetId);
      const message = 'The film is not under its new name, so the old one was kept: see `storage verify`.';
      const key = film?.movedFrom ?? '';
      yield { kind: 'failed', assetId: first.assetId, key, code: 'storage-missing', message };
    }
  }

  async *retireAll(): AsyncGenerator<MoveEvent> {
    for (let last = this.#waiting.at(-1); last; last = this.#waiting.at(-1)) {
      const waitMs = Math.max(0, last.dueAt - performance.now());
      yield { kind: 'waiting', films: this.#waiting.length, seconds: Math.ceil(waitMs / 1000) };
      await delay(waitMs + 1);
      yield* this.retireDue();
    }
  }
}

/** Ends what earlier runs have begun: old names go, promised names that nobody will use are taken back. */
export async function* finishMoves(strapi: Core.Strapi, ledger: DatabaseLedger): AsyncGenerator<MoveEvent> {
  const { root } = getService(strapi, 'storage');
  const names = new OldNames(strapi, ledger);
  for await (const film of ledger.films()) {
    if (film.movedFrom !== null) names.add(film.assetId);
    if (film.movingTo === null || film.state === 'ready') continue;
    try {
      await withdraw(root, ledger, film);
    } catch (error) {
      yield failure(film, error);
    }
  }
  yield* names.retireAll();
}

async function* moveAll(strapi: Core.Strapi, ledger: DatabaseLedger, to: StrategyName): AsyncGenerator<MoveEvent> {
  const { root } = getService(strapi, 'storage');
  const names = new OldNames(strapi, ledger);
  for await (const film of ledger.rows()) {
    if ('isUnreadable' in film) {
      yield unreadable(film);
      continue;
    }
    // With an old name that had to be kept, it waits for a person: another move would forget that name.
    if (film.state !== 'ready' || film.movedFrom !== null) continue;
    const { assetId, storageKey: from } = film;
    try {
      const move = { film, folders: await foldersOf(strapi, film), strategy: STRATEGIES[to] };
      const moved = await moveFilm(root, ledger, move);
      if (moved.outcome === 'moved') names.add(assetId);
      yield moved.outcome === 'moved'
        ? { kind: 'moved', assetId, from, to: moved.to }
        : { kind: moved.outcome, assetId, key: from };
    } catch (error) {
      yield failure(film, error);
    }
    yield* names.retireDue();
  }
  yield* names.retireAll();
}

/**
 * Moves every film to where `to` wants it, while playback goes on. May be cut off at any point: a further run, to
 * whatever strategy, ends what was begun. Throws `storage-busy`.
 */
export async function* migrate(strapi: Core.Strapi, to: StrategyName): AsyncGenerator<MoveEvent> {
  const release = await lockLibrary(getService(strapi, 'storage').root);
  try {
    const ledger = createLedger(strapi);
    yield* finishMoves(strapi, ledger);
    yield* moveAll(strapi, ledger, to);
  } finally {
    await release();
  }
}
