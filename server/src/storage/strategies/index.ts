import { site2 } from './site2';
import type { StorageStrategy } from './strategy';

/** By the name that `storage.strategy` uses. */
export const STRATEGIES = { site2 } as const satisfies Record<string, StorageStrategy>;

export type { FilmPlace, StorageStrategy } from './strategy';
