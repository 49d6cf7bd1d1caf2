import { sniffContent } from '../../../storage/inspection/content-sniff';
import { isFilmType } from '../../../storage/inspection/film-kind';
import type { Answer } from './request';

/** Text that could be anything must not count as a film of a few bytes. */
const LEAST_HEAD_BYTES = 16;
/** How the streamer's metrics begin their names. */
const METRICS = 'protected_vod_';

/**
 * Whether an answer hands out what nobody may have without a token: the film's own first bytes whatever they are called,
 * or any film, playlist, metadata file or metrics in a successful answer.
 */
export async function exposes({ status, type, body }: Answer, head: Buffer): Promise<boolean> {
  const compared = Math.min(body.length, head.length);
  if (compared >= LEAST_HEAD_BYTES && body.subarray(0, compared).equals(head.subarray(0, compared))) return true;
  if (status < 200 || status >= 300 || body.length === 0) return false;
  if (isFilmType(type) || body.includes(METRICS)) return true;
  const { mime, isPlaylist } = await sniffContent(body);
  return isPlaylist || (mime !== undefined && isFilmType(mime)) || body.includes('"storageKey"');
}
