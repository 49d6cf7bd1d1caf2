import type { Core } from '@strapi/strapi';
import { createSessionHolders, type SessionHolders } from './holders';
import { createSessionStore, type SessionStore } from './store';
import { UsageLedger } from './usage-ledger';

export interface PlaybackSessionService {
  readonly store: SessionStore;
  readonly usage: UsageLedger;
  readonly holders: SessionHolders;
}

/** The sessions of all streamers, in Strapi's own database. */
export function createPlaybackSessionService({ strapi }: { strapi: Core.Strapi }): PlaybackSessionService {
  const usage = new UsageLedger();
  const holders = createSessionHolders(strapi);
  return { store: createSessionStore(strapi, usage, holders), usage, holders };
}
