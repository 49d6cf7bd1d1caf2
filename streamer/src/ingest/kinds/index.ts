import type { IngestKind } from '../../../../server/contracts';
import type { Maker } from './maker';
import { makePoster } from './poster';
import { rungMaker } from './rung';
import { makeStoryboard } from './storyboard';
import { makeTexts } from './texts';
import { makeWaveform } from './waveform';

/** How each kind of job is done. */
export const MAKERS: Readonly<Record<IngestKind, Maker>> = {
  poster: makePoster,
  storyboard: makeStoryboard,
  texts: makeTexts,
  waveform: makeWaveform,
  'rung-full': rungMaker('full.mp4'),
  'rung-240': rungMaker('240p.mp4'),
  'rung-360': rungMaker('360p.mp4'),
  'rung-480': rungMaker('480p.mp4'),
  'rung-540': rungMaker('540p.mp4'),
  'rung-720': rungMaker('720p.mp4'),
  'rung-1080': rungMaker('1080p.mp4'),
};

/** Kinds of which only the film says how many outputs there are. */
export const MAY_LACK_OUTPUTS: ReadonlySet<IngestKind> = new Set(['texts']);
