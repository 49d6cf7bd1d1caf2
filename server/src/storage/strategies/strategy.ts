/** What a strategy may look at to choose a place for a film. */
export interface FilmPlace {
  assetId: string;
  /** Names of the Media Library folders from the top, as editors see them. */
  folders: readonly string[];
  fileName: string;
}

/** Lays stored films out below the storage root. */
export interface StorageStrategy {
  /** The key for the `ordinal`-th film (1, 2, …) that wants this place: always a storage key of at most `MAX_FILM_KEY` characters. */
  keyOf(place: FilmPlace, ordinal: number): string;
}
