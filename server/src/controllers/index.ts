import { createAuditController } from './audit';
import { createPersonalDataController } from './personal-data';
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
  'personal-data': createPersonalDataController,
  upload: createUploadController,
  playback: createPlaybackController,
  'role-policies': createRolePoliciesController,
  video,
};
