import { assetSchema } from './asset/schema';
import { auditEventSchema } from './audit-event/schema';
import { playbackSessionSchema } from './playback-session/schema';
import { sessionHolderSchema } from './session-holder/schema';
import { sessionSlotSchema } from './session-slot/schema';
import { videoSchema } from './video/schema';

export const contentTypes = {
  video: { schema: videoSchema },
  asset: { schema: assetSchema },
  'audit-event': { schema: auditEventSchema },
  'playback-session': { schema: playbackSessionSchema },
  'session-holder': { schema: sessionHolderSchema },
  'session-slot': { schema: sessionSlotSchema },
};
