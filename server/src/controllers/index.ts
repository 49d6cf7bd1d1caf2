import { createAuditController } from './audit';
import { createPlaybackController } from './playback';
import { createRolePoliciesController } from './role-policies';
import { createSessionController } from './session';
import { createSubjectController } from './subject';
import { createUploadController } from './upload';
import { video } from './video';

export const controllers = {
  audit: createAuditController,
  session: createSessionController,
  subject: createSubjectController,
  upload: createUploadController,
  playback: createPlaybackController,
  'role-policies': createRolePoliciesController,
  video,
};
