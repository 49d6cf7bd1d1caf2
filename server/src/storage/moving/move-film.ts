import { rm } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { derivedKeyOf } from '../derived';
import { sizeOfKey } from '../hash-key';
import { freeKeys, removeFromLibrary } from '../library';
import { readMetadata, writeMetadata } from '../metadata';
import { isSameName } from '../spelling';
import { hasErrno, storageError } from '../storage-error';
import { pathOfKey, type StorageRoot } from '../storage-root';
import type { StorageStrategy } from '../strategies';
import { type FilmLedger, keyOfFilm, type StoredFilm } from './ledger';
import { isTwin, makeTwin } from './twin';

export interface Move {
  film: StoredFilm;
  /** Names of the Media Library folders in which it belongs now. */
  folders: readonly string[];
  strategy: StorageStrategy;
}

/** `changed`: somebody else trashed or deleted it meanwhile, and nothing is left of the move. */
export type MoveOutcome = { outcome: 'moved'; to: string } | { outcome: 'in-place' | 'changed' };

/** Whether a key is one that the strategy would give to the film. */
export function isInPlace({ film, folders, strategy }: Move, key: string): boolean {
  const place = { assetId: film.assetId, folders, fileName: film.fileName };
  const numbers = [...key.matchAll(/ \((\d{1,5})\)/g)].map(([, number]) => Number(number));
  return [1, ...numbers].some((ordinal) => isSameName(strategy.keyOf(place, ordinal), key));
}

/** Takes a promised name back, with what already lies there. */
export async function withdraw(root: StorageRoot, ledger: FilmLedger, film: StoredFilm): Promise<void> {
  const { movingTo, sha256 } = film;
  if (movingTo === null) return;
  if (await isTwin(root, { from: keyOfFilm(film), to: movingTo, sha256 })) await removeFromLibrary(root, movingTo);
  await ledger.promise(film, null);
}

/** Null: the film has changed meanwhile. */
async function claim(root: StorageRoot, ledger: FilmLedger, move: Move): Promise<string | null> {
  const { film, folders, strategy } = move;
  const { storageKey: from, sha256, movingTo } = film;
  if (movingTo !== null && isInPlace(move, movingTo)) {
    // An earlier run was cut off behind its promise.
    const request = { from, to: movingTo, sha256 };
    if ((await sizeOfKey(root, movingTo)) === 0) await rm(pathOfKey(root, movingTo));
    if ((await makeTwin(root, request)) || (await isTwin(root, request))) return movingTo;
  }
  await withdraw(root, ledger, film);
  const place = { assetId: film.assetId, folders, fileName: film.fileName };
  for await (const to of freeKeys(root, { place, strategy, isReserved: (key) => ledger.isKeyTaken(key) })) {
    if (!(await ledger.promise(film, to))) return null;
    if (await makeTwin(root, { from, to, sha256 })) return to;
  }
  return null;
}

async function describe(root: StorageRoot, { film, folders }: Move, to: string): Promise<void> {
  const known = await readMetadata(root, film.storageKey);
  const storedAt = typeof known === 'string' ? new Date().toISOString() : known.storedAt;
  await writeMetadata(root, to, { ...metadataOf(film, folders, storedAt), storageKey: to });
}

/** Gives what was made of a film its second name, too. What is not there is for `storage verify` to tell. */
async function carryDerived(
  root: StorageRoot,
  { derived }: Pick<StoredFilm, 'derived'>,
  fromFilm: string,
  toFilm: string,
): Promise<void> {
  for (const { name, sha256 } of derived) {
    const [from, to] = [derivedKeyOf(fromFilm, name), derivedKeyOf(toFilm, name)];
    if ((await sizeOfKey(root, to)) !== null || (await sizeOfKey(root, from)) === null) continue;
    await makeTwin(root, { from, to, sha256 });
  }
}

/** What the metadata file of a film says when the row is right. */
export function metadataOf(film: StoredFilm, folders: readonly string[], storedAt: string) {
  const { assetId, fileName, storageKey, mime, sizeBytes, sha256, durationSeconds } = film;
  const { tracks, judgement } = film;
  const made = { derived: [...film.derived], removedTexts: [...(film.removedTexts ?? [])] };
  const facts = { assetId, fileName, storageKey, folders, mime, sizeBytes, sha256, durationSeconds };
  const known = { ...(tracks && { tracks }), ...(judgement && { judgement }) };
  return { version: 1 as const, ...facts, ...known, ...made, storedAt };
}

/**
 * Gives a film the name that a strategy wants, as a second one, and makes the row say so. Its old name stays as
 * `movedFrom` until `retireOldName`. Cut off at any point, it loses nothing, and done again it ends in the same way.
 * Throws `storage-missing`, `storage-outside-root` or `storage-damaged`; the film is where it was then.
 */
export async function moveFilm(root: StorageRoot, ledger: FilmLedger, move: Move): Promise<MoveOutcome> {
  const { film } = move;
  if (isInPlace(move, film.storageKey)) {
    await withdraw(root, ledger, film);
    return { outcome: 'in-place' };
  }
  if ((await sizeOfKey(root, film.storageKey)) === null) {
    throw storageError('storage-missing', 'The film is not where its row says: `storage repair` looks for it.');
  }
  const to = await claim(root, ledger, move);
  if (to === null) return { outcome: 'changed' };
  await carryDerived(root, film, film.storageKey, to);
  await describe(root, move, to);
  if (await ledger.commit(film, to)) {
    // What was made meanwhile has come to the old place, and comes to the new one from now on.
    const now = await ledger.find(film.assetId);
    if (
      now?.state === 'ready' &&
      now.storageKey === to &&
      !isDeepStrictEqual([now.derived, now.removedTexts], [film.derived, film.removedTexts])
    ) {
      await carryDerived(root, now, film.storageKey, to);
      await describe(root, { ...move, film: now }, to);
    }
    return { outcome: 'moved', to };
  }
  await removeFromLibrary(root, to);
  await ledger.promise(film, null);
  return { outcome: 'changed' };
}

/** Gives a film back the name that its row says, from the one that it had before: a power cut can lose a new name. */
async function isSafe(root: StorageRoot, film: StoredFilm, oldKey: string): Promise<boolean> {
  const here = keyOfFilm(film);
  if ((await sizeOfKey(root, here)) === film.sizeBytes) return true;
  return film.state !== 'trashed' && makeTwin(root, { from: oldKey, to: here, sha256: film.sha256 });
}

/**
 * Removes the name that a film had before its last move. No streamer may hold it any more. False: it is the last name
 * that the film has, so it stays.
 */
export async function retireOldName(root: StorageRoot, ledger: FilmLedger, assetId: string): Promise<boolean> {
  const film = await ledger.find(assetId);
  const oldKey = film?.movedFrom;
  if (!film || !oldKey) return true;
  try {
    if (!(await isSafe(root, film, oldKey))) return false;
    await carryDerived(root, film, oldKey, keyOfFilm(film));
  } catch (error) {
    if (!hasErrno(error, 'storage-missing')) throw error;
    // Neither name leads anywhere: nothing can be lost by forgetting one.
  }
  await removeFromLibrary(root, oldKey);
  await ledger.forget(assetId, oldKey);
  return true;
}
