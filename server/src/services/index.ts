import { createEntitlementService } from './entitlement';
import { createIntrospectionService } from './introspection';
import { createKeysService } from './keys';
import { createPlaybackSessionService } from './playback-session';
import { createPlaybackTokenService } from './playback-token';
import { createRevocationService } from './revocation';
import { createSyncService } from './sync';

export const services = {
  entitlement: createEntitlementService,
  introspection: createIntrospectionService,
  keys: createKeysService,
  'playback-session': createPlaybackSessionService,
  'playback-token': createPlaybackTokenService,
  revocation: createRevocationService,
  sync: createSyncService,
};

export type Services = { [Name in keyof typeof services]: ReturnType<(typeof services)[Name]> };
