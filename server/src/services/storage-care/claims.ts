import { derivedKeyOf, filmKeyOfDerived } from '../../storage/derived';
import { metadataKeyOf } from '../../storage/metadata';
import { keyOfFilm } from '../../storage/moving/ledger';
import type { DatabaseLedger, FilmRow, UnreadableRow } from './ledger';

function namesOf(film: FilmRow): string[] {
  const keys = [keyOfFilm(film), film.movingTo, film.movedFrom].filter((key) => key !== null);
  return keys.flatMap((key) => [key, metadataKeyOf(key), ...film.derived.map(({ name }) => derivedKeyOf(key, name))]);
}

/** Names in the storage root that rows have films, metadata and made files under. */
export class Claims {
  readonly #names = new Set<string>();
  /** What was made of these films, nobody can say: all that lies beside them may have been. */
  readonly #unreadable = new Set<string>();

  /** Those of all rows as they are now, beside those of an earlier look. */
  async look(ledger: DatabaseLedger): Promise<void> {
    for await (const row of ledger.rows()) this.#add(row);
  }

  has(key: string): boolean {
    return this.#names.has(key) || this.#unreadable.has(filmKeyOfDerived(key) ?? '');
  }

  #add(row: FilmRow | UnreadableRow): void {
    const isUnreadable = 'isUnreadable' in row;
    if (isUnreadable) for (const key of row.keys) this.#unreadable.add(key);
    const names = isUnreadable ? row.keys.flatMap((key) => [key, metadataKeyOf(key)]) : namesOf(row);
    for (const name of names) this.#names.add(name);
  }
}
