import { type Denial, deny } from './decision';
import type { VideoRow } from './video-row';

/** What the availability window has against everybody; `now` in milliseconds since the epoch. */
export function windowDenial(video: VideoRow, now: number): Denial | null {
  if (video.availableFrom && video.availableFrom.getTime() > now) return deny('window-not-open', 'not-available-yet');
  if (video.availableUntil && video.availableUntil.getTime() <= now) return deny('window-closed', 'not-entitled');
  return null;
}
