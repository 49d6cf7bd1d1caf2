import { directory } from './directory';
import { flat } from './flat';
import { site1 } from './site1';
import { site2 } from './site2';
import type { StorageStrategy } from './strategy';

export const STRATEGY_NAMES = ['flat', 'directory', 'site1', 'site2'] as const;
export type StrategyName = (typeof STRATEGY_NAMES)[number];

/** By the name that `storage.strategy` uses. */
export const STRATEGIES: Record<StrategyName, StorageStrategy> = { flat, directory, site1, site2 };

export type { FilmPlace, StorageStrategy } from './strategy';
