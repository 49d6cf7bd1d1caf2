import type { IngestKind } from '../../../../server/contracts';
import type { Maker } from './maker';
import { makePoster } from './poster';
import { makeStoryboard } from './storyboard';
import { makeTexts } from './texts';
import { makeWaveform } from './waveform';

/** How each kind of job is done. */
export const MAKERS: Readonly<Record<IngestKind, Maker>> = {
  poster: makePoster,
  storyboard: makeStoryboard,
  texts: makeTexts,
  waveform: makeWaveform,
};

/** Kinds of which only the film says how many outputs there are. */
export const MAY_LACK_OUTPUTS: ReadonlySet<IngestKind> = new Set(['texts']);
