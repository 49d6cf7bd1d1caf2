/** What a film says of one of its tracks (ffmpeg: disposition). */
export interface TrackFlags {
  /** To be shown unless the viewer chooses otherwise. */
  isDefault: boolean;
  /** To be shown even to those who want no subtitles: what is said in another language than the film's. */
  isForced: boolean;
  isForHearingImpaired: boolean;
}

export const NO_FLAGS: TrackFlags = { isDefault: false, isForced: false, isForHearingImpaired: false };

/** RFC 9559 §5.1: ids with the bits that tell their length. */
const SEGMENT = 0x18538067;
const TRACKS = 0x1654ae6b;
const TRACK_ENTRY = 0xae;
const FLAG_DEFAULT = 0x88;
const FLAG_FORCED = 0x55aa;
const FLAG_HEARING_IMPAIRED = 0x55ab;

interface Integer {
  value: number;
  /** In bytes. */
  length: number;
  /** All bits of a size are set: it goes on to the end. */
  isOpen: boolean;
}

/** RFC 8794 §4: a variable-size integer, with or without the bits that tell its length. Null: it is none. */
function readInteger(bytes: Buffer, at: number, keepsMarker: boolean): Integer | null {
  const first = bytes[at];
  if (first === undefined || first === 0) return null;
  const length = Math.clz32(first) - 23;
  const marker = 1 << (8 - length);
  let value = keepsMarker ? first : first - marker;
  let isOpen = first === 2 * marker - 1;
  for (const byte of bytes.subarray(at + 1, at + length)) {
    value = value * 256 + byte;
    isOpen &&= byte === 255;
  }
  return at + length <= bytes.length ? { value, length, isOpen } : null;
}

function* elementsOf(bytes: Buffer): Generator<{ id: number; data: Buffer }> {
  for (let at = 0; at < bytes.length; ) {
    const id = readInteger(bytes, at, true);
    const size = id && readInteger(bytes, at + id.length, false);
    if (!id || !size) return;
    const begin = at + id.length + size.length;
    const end = size.isOpen ? bytes.length : Math.min(bytes.length, begin + size.value);
    yield { id: id.value, data: bytes.subarray(begin, end) };
    at = end;
  }
}

function childOf(bytes: Buffer | null, wanted: number): Buffer | null {
  if (bytes === null) return null;
  for (const { id, data } of elementsOf(bytes)) if (id === wanted) return data;
  return null;
}

/** The flags of the first track of a Matroska file, as ffmpeg writes one. What cannot be read says nothing. */
export function parseTrackFlags(file: Buffer): TrackFlags {
  const entry = childOf(childOf(childOf(file, SEGMENT), TRACKS), TRACK_ENTRY);
  if (entry === null) return NO_FLAGS;
  const flag = (id: number, absent: boolean): boolean => childOf(entry, id)?.some((byte) => byte !== 0) ?? absent;
  return {
    // RFC 9559 §5.1.4.1.5: set, unless the file says otherwise.
    isDefault: flag(FLAG_DEFAULT, true),
    isForced: flag(FLAG_FORCED, false),
    isForHearingImpaired: flag(FLAG_HEARING_IMPAIRED, false),
  };
}
