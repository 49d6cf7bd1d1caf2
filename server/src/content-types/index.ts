import { assetSchema } from './asset/schema';
import { auditEventSchema } from './audit-event/schema';
import { guestLinkSchema } from './guest-link/schema';
import { incomingFilmSchema } from './incoming-film/schema';
import { ingestJobSchema } from './ingest-job/schema';
import { keyRotationSchema } from './key-rotation/schema';
import { playbackSessionSchema } from './playback-session/schema';
import { sessionHolderSchema } from './session-holder/schema';
import { sessionSlotSchema } from './session-slot/schema';
import { settingSchema } from './setting/schema';
import { subjectChangeSchema } from './subject-change/schema';
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
  'guest-link': { schema: guestLinkSchema },
  'incoming-film': { schema: incomingFilmSchema },
  'ingest-job': { schema: ingestJobSchema },
  'key-rotation': { schema: keyRotationSchema },
  setting: { schema: settingSchema },
  'subject-change': { schema: subjectChangeSchema },
  'token-round': { schema: tokenRoundSchema },
  view: { schema: viewSchema },
};
