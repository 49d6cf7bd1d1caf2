import { createPlaybackController } from './playback';
import { createRolePoliciesController } from './role-policies';
import { createUploadController } from './upload';
import { video } from './video';

export const controllers = {
  upload: createUploadController,
  playback: createPlaybackController,
  'role-policies': createRolePoliciesController,
  video,
};
