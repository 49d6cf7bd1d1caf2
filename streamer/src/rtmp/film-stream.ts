import type { GrantedAsset } from '../../../server/contracts';
import type { Packager } from '../packager/packager';
import { createFlvCoding, type FlvCoding } from './flv-coding';
import { PacketCursor } from './packet-cursor';

/** A film as one continuous stream. */
export interface FilmStream {
  durationMs: number;
  coding: FlvCoding;
  cursor: PacketCursor;
}

/** Null: FLV has no way to carry the film. Rejects with `PackagingError`. */
export async function openFilmStream(packager: Packager, asset: GrantedAsset): Promise<FilmStream | null> {
  const outline = await packager.streamOutline(asset);
  const coding = createFlvCoding(outline);
  if (coding === null) return null;
  return { durationMs: outline.durationMs, coding, cursor: new PacketCursor(packager, asset, outline) };
}
