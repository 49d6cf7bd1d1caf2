import type { Core } from '@strapi/strapi';
import { VodError } from '../../errors';
import type { Film, FilmTrack } from '../../storage/inspection/film-inspection';
import { tracksSchema } from '../../storage/metadata';
import type { Asset } from '../asset';
import { getService } from '../get-service';
import { shortSideOf } from '../picture-size';
import type { LearnedFacts } from './derived-files';
import { type LadderFilm, needsConversion } from './ladder';

/** Whether the plugin has seen how large a film is, and how long. */
function isMeasured({ tracks, durationSeconds }: LadderFilm): boolean {
  return shortSideOf(tracks) !== null && durationSeconds > 0;
}

/**
 * Whether the plugin itself has held all of a film against the limits: otherwise its worker has to, and each rendition is looked
 * at. Beside a track that could be read, a film that has to be converted may hold another one that could not.
 */
export function isWithinLimits(film: LadderFilm): boolean {
  return isMeasured(film) && !needsConversion(film);
}

/** The film's own, with the size of the rendition for a picture that could not be read; where none could, the rendition's. */
function tracksOf({ tracks }: Asset, rendition: readonly FilmTrack[]): FilmTrack[] {
  const known = tracksSchema.safeParse(tracks).data ?? [];
  const { width, height } = rendition.find(({ kind }) => kind === 'video') ?? {};
  if (known.length === 0 || width === undefined || height === undefined) return [...rendition];
  return known.map((track) =>
    track.kind === 'video' && track.width === undefined ? { ...track, width, height } : track,
  );
}

async function inspected(strapi: Core.Strapi, { fileName }: Asset, file: string): Promise<Film> {
  const inspection = await getService(strapi, 'film-judging').inspect(file, fileName);
  if ('film' in inspection && inspection.film.durationSeconds > 0) return inspection.film;
  throw new VodError('output-refused', 'A worker delivered a rendition that is no film.');
}

/**
 * What a rendition at `file` tells of its film, as the plugin itself finds it, whatever a worker says; null: all of that is
 * known. Throws `VodError` `output-refused` where it cannot be read, or is beyond what a film may be; it is not looked at where
 * the film itself `isWithinLimits`.
 */
export async function learnedFrom(strapi: Core.Strapi, asset: Asset, file: string): Promise<LearnedFacts | null> {
  if (isWithinLimits(asset)) return null;
  const { durationSeconds, tracks } = await inspected(strapi, asset, file);
  return isMeasured(asset) ? null : { durationSeconds, tracks: tracksOf(asset, tracks) };
}
