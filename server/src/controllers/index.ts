import { createAssetController } from './asset';
import { createAuditController } from './audit';
import { createGuestLinkController } from './guest-link';
import { createPersonalDataController } from './personal-data';
import { createPlaybackController } from './playback';
import { createPreviewController } from './preview';
import { createRolePoliciesController } from './role-policies';
import { createSessionController } from './session';
import { createSubjectController } from './subject';
import { createTextTrackController } from './text-track';
import { createUploadController } from './upload';
import { video } from './video';

export const controllers = {
  asset: createAssetController,
  audit: createAuditController,
  session: createSessionController,
  subject: createSubjectController,
  'personal-data': createPersonalDataController,
  'text-track': createTextTrackController,
  upload: createUploadController,
  'guest-link': createGuestLinkController,
  preview: createPreviewController,
  playback: createPlaybackController,
  'role-policies': createRolePoliciesController,
  video,
};
