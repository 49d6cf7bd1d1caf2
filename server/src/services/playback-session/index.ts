import type { Core } from '@strapi/strapi';
import { configOf } from '../../config';
import { createIdleTimes, type IdleTimes } from './activity';
import { createSessionHolders, type SessionHolders } from './holders';
import { createSessionRoom, type SessionRoom } from './room';
import { createSlotClaims, type SlotClaims } from './slot-claims';
import { createSessionSlots, type SessionSlots } from './slots';
import { createSessionStore, type SessionStore } from './store';
import { createTokenRounds, type TokenRounds } from './token-rounds';
import { UsageLedger } from './usage-ledger';
import { createSessionViews, type SessionViews } from './views';

export interface PlaybackSessionService {
  readonly store: SessionStore;
  readonly usage: UsageLedger;
  readonly holders: SessionHolders;
  readonly slots: SessionSlots;
  readonly claims: SlotClaims;
  readonly views: SessionViews;
  readonly rounds: TokenRounds;
  readonly room: SessionRoom;
  readonly idleTimes: IdleTimes;
}

/** The sessions of all streamers, in Strapi's own database. */
export function createPlaybackSessionService({ strapi }: { strapi: Core.Strapi }): PlaybackSessionService {
  const usage = new UsageLedger();
  const holders = createSessionHolders(strapi);
  const slots = createSessionSlots(strapi);
  const rounds = createTokenRounds(strapi);
  const store = createSessionStore(strapi, { usage, holders, slots, rounds });
  const idleTimes = createIdleTimes(usage, holders);
  const slotSilenceSeconds = () => configOf(strapi).session.slotSilenceSeconds;
  const claims = createSlotClaims({ store, slots, idleTimes, slotSilenceSeconds });
  const room = createSessionRoom(strapi, { usage, slotSilenceSeconds });
  return { store, usage, holders, slots, claims, views: createSessionViews(strapi), rounds, room, idleTimes };
}
