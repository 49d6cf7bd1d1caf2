import type { IngestKind } from '../../../../server/contracts';
import type { Maker } from './maker';
import { makePoster } from './poster';
import { makeStoryboard } from './storyboard';

/** How each kind of job is done. */
export const MAKERS: Readonly<Record<IngestKind, Maker>> = { poster: makePoster, storyboard: makeStoryboard };
