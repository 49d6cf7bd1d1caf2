import { isStreamer } from './is-streamer';

export const policies = { 'is-streamer': isStreamer };
