/** A part of the picture that is encoded at one go. Times are the film's own. */
export interface Chunk {
  startSeconds: number;
  /** Null: to the end. */
  stopSeconds: number | null;
  /** Where key pictures are to be; its start is the first of them. Each stands for the first picture at or after it. */
  keysSeconds: readonly number[];
  /** Where to begin to decode: a key picture, or a moment after one. Null: at the beginning of the film. */
  seekSeconds: number | null;
  /** Whether the film has a picture at its start; otherwise the first one comes later, or none does. */
  beginsWithPicture: boolean;
}

export interface PictureSize {
  width: number;
  height: number;
}

export interface SoundTrack {
  /** Among the film's tracks of sound, from 0. */
  index: number;
  /** As ffmpeg calls it. */
  codec: string;
  /** When its first sound is heard, in the film's own time. */
  startSeconds: number;
  /** ISO 639-2; `und` if the film does not say. */
  language: string;
  name: string | null;
}

/** All that is to be made for one rendition. */
export interface RungPlan {
  /** Null: there is sound alone. */
  picture: { size: PictureSize; codec: string; chunks: readonly Chunk[] } | null;
  sounds: readonly SoundTrack[];
  /** Film time that is 0 for players. */
  originSeconds: number;
  endSeconds: number;
}

/** Even numbers, as 4:2:0 wants them; never larger than the source. */
export function rungSize(source: PictureSize, shortSide: number): PictureSize {
  const scale = Math.min(1, shortSide / Math.min(source.width, source.height));
  const halves = (side: number) => (scale < 1 ? Math.round((side * scale) / 2) : Math.floor(side / 2));
  const even = (side: number) => Math.max(2, 2 * halves(side));
  return { width: even(source.width), height: even(source.height) };
}
