import { assetSchema } from './asset/schema';
import { auditEventSchema } from './audit-event/schema';
import { keyRotationSchema } from './key-rotation/schema';
import { playbackSessionSchema } from './playback-session/schema';
import { sessionHolderSchema } from './session-holder/schema';
import { sessionSlotSchema } from './session-slot/schema';
import { settingSchema } from './setting/schema';
import { tokenRoundSchema } from './token-round/schema';
import { videoSchema } from './video/schema';
import { viewSchema } from './view/schema';

export const contentTypes = {
  video: { schema: videoSchema },
  asset: { schema: assetSchema },
  'audit-event': { schema: auditEventSchema },
  'playback-session': { schema: playbackSessionSchema },
  'session-holder': { schema: sessionHolderSchema },
  'session-slot': { schema: sessionSlotSchema },
  'key-rotation': { schema: keyRotationSchema },
  setting: { schema: settingSchema },
  'token-round': { schema: tokenRoundSchema },
  view: { schema: viewSchema },
};
