import type { EncoderName, RungOrder } from '../../../../server/contracts';
import type { IngestError } from '../ingest-error';
import type { Hardware } from './hardware';

/** What one coded part is to be. */
export interface Coding {
  preset: RungOrder['preset'];
  /** Most bits a second. */
  bits: number;
  /** Seconds from the start, each before the picture that is to be a key picture. */
  keysSeconds: readonly number[];
}

/** A way to make H.264 of pictures: in closed groups that begin where they are wanted and nowhere else, below a bit rate. */
export interface PictureEncoder {
  name: EncoderName;
  /** What it needs of the machine; null: nothing, and its work is not looked through. */
  hardware: Hardware | null;
  /** Options of ffmpeg before its input. */
  opening: readonly string[];
  /** Filters after `format=yuv420p`. */
  handOver: readonly string[];
  options(coding: Coding): string[];
}

/** One that needs hardware, with one film. */
export interface CardAtWork {
  encoder: PictureEncoder;
  succeeded(): void;
  /** x264 has made what it could not. */
  failed(error: IngestError): void;
}

/** On the scale of H.264's quantiser: what x264 takes by itself. */
export const QUALITY = '23';
/** Longer than any group of pictures: no key picture comes by itself. */
const ENDLESS_GROUP = '1000000';

/** As x264 and all others understand it: never above a rate, over two seconds. */
export const cappedAt = (bits: number): string[] => ['-maxrate', String(bits), '-bufsize', String(bits * 2)];

/** Key pictures nowhere but where they are wanted. */
export function keysAt(seconds: readonly number[]): string[] {
  return ['-g', ENDLESS_GROUP, '-force_key_frames', seconds.map((one) => one.toFixed(6)).join(',')];
}
