import type { Packager } from '../packager/packager';
import { createFlvCoding, type FlvCoding } from './flv-coding';
import { type FilmHolder, PacketCursor } from './packet-cursor';

/** A film as one continuous stream. */
export interface FilmStream {
  durationMs: number;
  coding: FlvCoding;
  cursor: PacketCursor;
}

/** Null: FLV has no way to carry the film. Rejects with `PackagingError`. */
export async function openFilmStream(packager: Packager, holder: FilmHolder): Promise<FilmStream | null> {
  const outline = await packager.streamOutline(holder.asset);
  const coding = createFlvCoding(outline);
  if (coding === null) return null;
  return { durationMs: outline.durationMs, coding, cursor: new PacketCursor(packager, holder, outline) };
}
