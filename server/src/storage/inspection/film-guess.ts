import { sniffContent } from './content-sniff';
import { hasFilmExtension, isFilmType } from './film-kind';

export interface FilmGuess {
  fileName: string;
  /** As somebody declared it; '' where nobody did. */
  mime: string;
  /** The first `SNIFF_BYTES` bytes. */
  head: Uint8Array;
}

/** Whether extension, declared type or content says audio or video: any of them is enough (S22). */
export async function looksLikeFilm({ fileName, mime, head }: FilmGuess): Promise<boolean> {
  if (hasFilmExtension(fileName) || isFilmType(mime)) return true;
  const sniffed = await sniffContent(head);
  return sniffed.mime !== undefined && isFilmType(sniffed.mime);
}
