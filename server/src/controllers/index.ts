import { createPlaybackController } from './playback';
import { video } from './video';

export const controllers = { playback: createPlaybackController, video };
