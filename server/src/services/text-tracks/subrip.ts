import {
  type CueReading,
  millisecondsOf,
  type RawCue,
  type TextBlock,
  type TextProblem,
  textBlocks,
} from '../../../contracts';

const TIME = String.raw`(\d{1,3}):(\d{1,2}):(\d{1,2})[,.](\d{1,3})`;
// What may follow are coordinates in the pixels of some film.
const TIMING = new RegExp(String.raw`^\s*${TIME}\s*-->\s*${TIME}(?:\s.*)?$`);
/** Positions as SubStation Alpha writes them; those on top mean something for whoever reads. */
const OVERRIDE = /\{\\[^{}]*\}/g;
const ON_TOP = /\{\\an[789]\}/;

/** SubRip knows `<b>`, `<i>`, `<u>` and `<font>`, and no references: `&amp;` is what is to be read. */
function textOf(lines: readonly string[]): string {
  return lines.join('\n').replace(OVERRIDE, '').replace(/&/g, '&amp;');
}

function readCue({ line, lines }: TextBlock): RawCue | TextProblem {
  const at = lines.findIndex((one) => one.includes('-->'));
  if (at !== 0 && !(at === 1 && /^\s*\d+\s*$/.test(lines[0] ?? ''))) return { code: 'text-block-unclear', line };
  const [, h1, m1, s1, f1, h2, m2, s2, f2] = TIMING.exec(lines[at] ?? '') ?? [];
  if (m1 === undefined) return { code: 'text-times-unclear', line: line + at };
  const text = lines.slice(at + 1);
  return {
    ...{ startMs: millisecondsOf(h1, m1, s1, f1), endMs: millisecondsOf(h2, m2, s2, f2) },
    ...{ settings: ON_TOP.test(text.join('\n')) ? 'line:0' : '', text: textOf(text), line: line + at },
  };
}

/** The cues of SubRip (`.srt`), in the words of WebVTT. It has no specification; this is what all programs write. */
export function readSubRipCues(text: string): CueReading {
  const cues: RawCue[] = [];
  for (const block of textBlocks(text)) {
    const cue = readCue(block);
    if ('code' in cue) return { problem: cue };
    cues.push(cue);
  }
  return { cues };
}
