import type { FilmLimits, IngestReason, RungOrder, TextTrackFacts } from '../../../../server/contracts';
import type { CardAtWork } from '../encoders/encoder';
import { IngestError } from '../ingest-error';
import type { Scratch } from '../scratch';
import { ALL_DECODERS, decodersOf, type FilmInput } from '../tools/film-input';
import { type FilmProbe, type ProbedStream, pictureOf } from '../tools/film-probe';
import type { Toolbox } from '../tools/toolbox';

/** One attempt to make something of a film. */
export interface Making {
  film: FilmInput;
  /** As the plugin knows it; 0: it does not. */
  durationSeconds: number;
  /** Of a film that the plugin could not measure. */
  limits?: FilmLimits;
  scratch: Scratch;
  tools: Toolbox;
  maxPixels: number;
  /** What the pictures of renditions are made with instead of x264. */
  card?: CardAtWork;
  /** Of a job that makes a rendition. */
  rung?: RungOrder;
  /** Aborted when nobody wants it any more, or another worker has the job. */
  signal: AbortSignal;
  /** 0 to 1; told to the plugin with the next sign of life. */
  progressed(share: number): void;
  /** What is known of a text track among the outputs. */
  described(name: string, text: TextTrackFacts): void;
  /** What administrators should know of what is made. */
  noted(reason: IngestReason): void;
}

/** Resolves to where in the scratch each output lies, by its name. Throws `IngestError`. */
export type Maker = (making: Making) => Promise<ReadonlyMap<string, string>>;

export interface DecodablePicture {
  probe: FilmProbe;
  decoders: readonly string[];
}

/** What is needed to decode the film's picture, if that may be done here. Throws `no-picture` or `source-refused`. */
export async function openPicture({ film, tools, scratch, maxPixels, signal }: Making): Promise<DecodablePicture> {
  const probe = await tools.probe(film, ALL_DECODERS, { cwd: scratch.work, signal });
  const picture = pictureOf(probe);
  if (picture === null) throw new IngestError('no-picture', 'there is sound alone');
  const { codec } = picture;
  const decoders = decodersOf(codec);
  if (decoders === null) throw new IngestError('source-refused', `the codec ${codec} is not decoded here`);
  checkPixels(picture, maxPixels);
  return { probe, decoders };
}

/** Throws `source-refused` for a picture that is larger than what is decoded here. */
export function checkPixels({ width, height }: ProbedStream, maxPixels: number): void {
  if (width * height > maxPixels) throw new IngestError('source-refused', `${width} × ${height} pixels are too many`);
}
