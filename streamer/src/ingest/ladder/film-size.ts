import { Film } from '../../packager/film';
import type { PictureSize } from './rung-plan';

/** Of the picture as it is shown: after rotation, with square pixels. Null: the packager does not know the container. */
export async function shownSizeOf(file: string): Promise<PictureSize | null> {
  const film = await Film.open(file);
  try {
    const track = await film.input.getPrimaryVideoTrack();
    if (track === null) return null;
    const [width, height] = [await track.getDisplayWidth(), await track.getDisplayHeight()];
    return width > 0 && height > 0 ? { width, height } : null;
  } catch {
    return null;
  } finally {
    await film.retire();
  }
}
