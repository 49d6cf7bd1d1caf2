import { createPlaybackController } from './playback';
import { createUploadController } from './upload';
import { video } from './video';

export const controllers = { upload: createUploadController, playback: createPlaybackController, video };
