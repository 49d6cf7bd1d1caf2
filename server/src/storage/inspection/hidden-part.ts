import { PICTURE_BEGINS_WITHIN_SECONDS } from '../../../contracts';
import { type ShownSpan, shownSpan } from './edit-list';
import { MAX_EDITS, type Movie } from './movie-tables';
import type { SurveyedTrack } from './survey';

export type HiddenPart = 'has-hidden-part' | 'has-unclear-edits';

const PICTURE_ENDS_SECONDS = 0.1;
/** Some muxers end the film when its last picture begins. */
const LAST_PICTURE = 1.5;
/** Encoders begin some packets early (AAC: 2112 samples) and fill up the last one. Editors let sound end with the picture. */
const SOUND_BEGINS_SECONDS = 0.1;
const SOUND_BEGINS_PACKETS = 3;
const SOUND_ENDS_SECONDS = 0.5;

function allowanceOf({ kind, packetSeconds }: SurveyedTrack) {
  if (kind === 'video') {
    return {
      before: PICTURE_BEGINS_WITHIN_SECONDS,
      after: Math.max(PICTURE_ENDS_SECONDS, LAST_PICTURE * packetSeconds),
    };
  }
  return { before: Math.max(SOUND_BEGINS_SECONDS, SOUND_BEGINS_PACKETS * packetSeconds), after: SOUND_ENDS_SECONDS };
}

function hides(span: ShownSpan, track: SurveyedTrack, timeStepSeconds: number): boolean {
  const { before, after } = allowanceOf(track);
  // Edits are timed more coarsely than samples; a film that begins with its first sample needs no such leave.
  const leave = span.startSeconds === 0 ? 0 : timeStepSeconds;
  if (span.startSeconds - track.firstSeconds > before + leave) return true;
  return track.endSeconds - span.endSeconds > after + timeStepSeconds;
}

/** What the tables let be seen of a track. */
function spanOf({ id }: SurveyedTrack, movie: Movie): ShownSpan | 'hidden' | 'unclear' {
  const [table, ...others] = movie.tracks.filter((track) => track.id === id);
  // A demuxer that found it elsewhere has found other edits, too.
  if (!table || others.length > 0 || table.isAmbiguous || table.edits.length > MAX_EDITS) return 'unclear';
  return shownSpan(table.edits);
}

const WHOLE = shownSpan([]);

/**
 * Whether a film holds pictures or sound that it says are not to be seen: trimmed away without being removed. Players that
 * ignore edit lists would show them, and so would segments that are cut from the file. `movie`: null for containers
 * without edit lists, where only what lies before 0 is hidden.
 */
export function findHiddenPart(tracks: readonly SurveyedTrack[], movie: Movie | null): HiddenPart | null {
  const spans = tracks.map((track) => ({ track, span: movie ? spanOf(track, movie) : WHOLE }));
  const isHidden = spans.some(({ track, span }) => {
    return span === 'hidden' || (span !== 'unclear' && hides(span, track, movie?.timeStepSeconds ?? 0));
  });
  if (isHidden) return 'has-hidden-part';
  return spans.some(({ span }) => span === 'unclear') ? 'has-unclear-edits' : null;
}
