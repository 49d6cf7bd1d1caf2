import type { Core } from '@strapi/strapi';
import { createSessionStore, type SessionStore } from './store';
import { UsageLedger } from './usage-ledger';

export interface PlaybackSessionService {
  readonly store: SessionStore;
  readonly usage: UsageLedger;
}

/** The sessions of all streamers, in Strapi's own database. */
export function createPlaybackSessionService({ strapi }: { strapi: Core.Strapi }): PlaybackSessionService {
  const usage = new UsageLedger();
  return { store: createSessionStore(strapi, usage), usage };
}
