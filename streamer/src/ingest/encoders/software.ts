import { SOFTWARE_ENCODER } from '../../../../server/contracts';
import { cappedAt, keysAt, type PictureEncoder, QUALITY } from './encoder';

/** With more of them x264 keeps below a bit rate in ways that depend on which is faster: not the same bytes each time. */
const THREADS = '1';

/** Equal pictures make equal bytes, on whatever machine. */
export const SOFTWARE: PictureEncoder = {
  name: SOFTWARE_ENCODER,
  hardware: null,
  opening: [],
  handOver: [],
  options: ({ preset, bits, keysSeconds }) => [
    ...['-c:v', SOFTWARE_ENCODER, '-profile:v', 'high', '-preset', preset, '-threads', THREADS],
    ...['-crf', QUALITY, ...cappedAt(bits), '-sc_threshold', '0', '-forced-idr', '1', ...keysAt(keysSeconds)],
  ],
};
