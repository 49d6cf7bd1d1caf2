import type { Film } from './film';
import { toMp4Form } from './mp4-form';
import { PackagingError } from './packaging-error';
import type { StreamTrack } from './packet-run';
import { findTrack, firstOf, type PacketSpan } from './packet-span';

/** The tracks of a stream; the first packet of each span shows how its track is coded. */
export interface CodingOrder {
  spans: PacketSpan[];
  shiftSeconds: number;
}

/** How the tracks of a stream are coded. */
export type StreamCoding = Partial<Record<PacketSpan['kind'], StreamTrack>>;

/** Throws PackagingError `unsupported-codec` when packets of a track cannot be carried bare. */
export async function readCoding(film: Film, { spans, shiftSeconds }: CodingOrder): Promise<StreamCoding> {
  const coding: StreamCoding = {};
  for (const span of spans) {
    const track = await findTrack(film, span);
    const codec = await track.inputTrack.getCodec();
    if (codec === null) throw new PackagingError('unsupported-codec', 'the codec of a track is unknown');
    const { description } = await toMp4Form(track.inputTrack, [await firstOf(track, span)], shiftSeconds);
    coding[span.kind] = { codec, description };
  }
  return coding;
}
