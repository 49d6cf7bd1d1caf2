import type { AssetState, DerivedFile } from '../../../contracts';
import type { FilmMetadata } from '../metadata';

/** A film as its row says it. The row alone decides where a film lies. */
export interface StoredFilm
  extends Omit<FilmMetadata, 'version' | 'folders' | 'storedAt' | 'derived' | 'removedTexts'> {
  state: AssetState;
  /** Set while it lies in the trash, or is about to. */
  trashKey: string | null;
  /** Where a move was about to put it. */
  movingTo: string | null;
  /** The name that it had before its last move, while that may still be in use. */
  movedFrom: string | null;
  /** What was made of it. */
  derived: readonly DerivedFile[];
  /** Names of what is not to be made again. */
  removedTexts?: readonly string[];
}

/** What a move writes down, each time before it does what cannot be undone. */
export interface FilmLedger {
  find(assetId: string): Promise<StoredFilm | null>;
  /** Whether a film has this key, is promised it, or has left it only lately. */
  isKeyTaken(key: string): Promise<boolean>;
  /** Promises the film a key, or takes the promise back. False: it is not where `film` says any more. */
  promise(film: StoredFilm, key: string | null): Promise<boolean>;
  /** From now on the film lies at the promised key. False: it is not where `film` says any more. */
  commit(film: StoredFilm, key: string): Promise<boolean>;
  /** The old name is gone. */
  forget(assetId: string, oldKey: string): Promise<void>;
}

export function keyOfFilm(film: StoredFilm): string {
  return film.state === 'trashed' && film.trashKey !== null ? film.trashKey : film.storageKey;
}
