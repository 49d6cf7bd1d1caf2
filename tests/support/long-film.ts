import path from 'node:path';
import { CLIP, publishVideo } from './films';
import type { PlaybackSite } from './playback-site';
import { repeatFilm } from './tools';
import { uploadFilmByTus } from './tus-upload';

const TIMES = 20;
const CLIP_SECONDS = 30;

/** How long the film below is. */
export const LONG_FILM_SECONDS = TIMES * CLIP_SECONDS;

/** Publishes a film of ten minutes; returns its entry's `documentId`. Needs ffmpeg. */
export async function publishLongFilm({ app, editor }: PlaybackSite): Promise<string> {
  const film = path.join(app.storageRoot, '../long.mp4');
  await repeatFilm(CLIP, TIMES, film);
  return publishVideo(app, editor, { source: (await uploadFilmByTus(app, editor, film)).id });
}
