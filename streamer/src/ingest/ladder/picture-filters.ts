import { IngestError } from '../ingest-error';
import type { Making } from '../kinds/maker';
import { coloursOf, type FilmColours } from '../tools/film-colours';
import type { PictureSize } from './rung-plan';

/** One picture for each; those that are not interlaced pass as they are. */
const DEINTERLACED = 'bwdif=mode=send_frame:parity=auto:deint=interlaced';
const FILTERS_SECONDS = 30;
const FILTERS_BYTES = 1024 * 1024;
/** From so many lines on a picture that does not say is taken for BT.709, as players do. */
const HD_LINES = 720;

/** By what WebCodecs calls it: how ffmpeg calls a transfer function of HDR (ITU-R BT.2100). */
const HDR: ReadonlyMap<string, string> = new Map([
  ['pq', 'smpte2084'],
  ['hlg', 'arib-std-b67'],
]);

/**
 * HDR to SDR. White of 203 cd/m² (ITU-R BT.2408) becomes 1; up to half of that stays what it is, and what is above, to
 * 1000 cd/m², is pressed together. Both are the same for all films, or parts of one would not look alike.
 */
const TONED: readonly string[] = [
  'zscale=t=linear:npl=203',
  'format=gbrpf32le',
  'zscale=p=bt709',
  'tonemap=mobius:param=0.5:desat=0:peak=4.926',
  'zscale=t=bt709:m=bt709:r=tv',
  'format=yuv420p',
  // How bright the screen was on which it was mastered does not hold any more.
  'sidedata=mode=delete',
];

const scaled = ({ width, height }: PictureSize) => `scale=${width}:${height}`;

/** Pictures that say so little of their colours get said what players take them for, before another size changes that. */
function scaledSdr({ matrix }: FilmColours, size: PictureSize, lines: number): string[] {
  if (matrix !== undefined && matrix !== 'rgb') return [scaled(size)];
  const name = lines >= HD_LINES ? 'bt709' : 'smpte170m';
  return [
    `setparams=color_primaries=${name}:color_trc=${name}:colorspace=${name}`,
    `${scaled(size)}:out_color_matrix=${name}`,
  ];
}

async function canTone({ tools, scratch, signal }: Making): Promise<boolean> {
  const run = { cwd: scratch.work, seconds: FILTERS_SECONDS, fileBytes: FILTERS_BYTES, signal };
  const printed = await tools.ffmpeg({ ...run, args: ['-filters'] }).catch((error: unknown) => {
    if (error instanceof IngestError && error.reason === 'tool-failed') return '';
    throw error;
  });
  return ['zscale', 'tonemap'].every((name) => new RegExp(`^ *[T.]*[S.]*[C.]* ${name} `, 'm').test(printed));
}

export interface FilteredPicture {
  decoders: readonly string[];
  size: PictureSize;
  /** Of the film. */
  lines: number;
}

/** Filters for a picture of a rendition: progressive, of this size, in SDR with its colours named. Notes where it stays pale. */
export async function pictureFilters(making: Making, { decoders, size, lines }: FilteredPicture): Promise<string[]> {
  const colours = await coloursOf(making, decoders);
  const hdr = HDR.get(colours.transfer ?? '');
  const end = ['setsar=1', 'format=yuv420p'];
  if (hdr === undefined) return [DEINTERLACED, ...scaledSdr(colours, size, lines), ...end];
  if (!(await canTone(making))) {
    making.noted('hdr-not-toned');
    return [DEINTERLACED, scaled(size), ...end];
  }
  const said = `setparams=color_primaries=bt2020:color_trc=${hdr}:colorspace=bt2020nc`;
  return [DEINTERLACED, said, scaled(size), ...TONED, ...end];
}
