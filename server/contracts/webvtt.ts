import { cleanSettings } from './cue-settings';
import { cleanCueText, plainCueText } from './cue-text';
import type { TextProblemCode } from './text-track-api';
import type { TextTrackKind } from './text-tracks';

/** Far more than anybody reads; together with the bounds below it keeps a text small enough to be cut on demand. */
const MAX_CUES = 20_000;
const MAX_CUE_CHARACTERS = 4000;

/** A cue as it is published: times in milliseconds, settings and text clean (WebVTT §4.1). */
export interface Cue {
  startMs: number;
  endMs: number;
  settings: string;
  text: string;
}

/** A cue as somebody wrote it. `line`: where, from 1. */
export interface RawCue extends Cue {
  line: number;
}

export interface TextProblem {
  code: TextProblemCode;
  /** Null: it is about the whole. */
  line: number | null;
}

export type CueReading = { cues: RawCue[] } | { problem: TextProblem };
export type TextReading = { cues: Cue[] } | { problem: TextProblem };

/** Lines without an empty one between them. `line`: of the first, from 1. */
export interface TextBlock {
  line: number;
  lines: string[];
}

const TIME = String.raw`(?:(\d{2,3}):)?([0-5]\d):([0-5]\d)\.(\d{3})`;
const TIMING = new RegExp(String.raw`^[ \t]*${TIME}[ \t]*-->[ \t]*${TIME}(?:[ \t]+(.*))?$`);
const SIGNATURE = /^WEBVTT(?:[ \t].*)?$/;
/** Comments, style sheets and regions (WebVTT §4.1): read past, never published. */
const UNPUBLISHED = /^(?:NOTE|STYLE|REGION)(?:[ \t]|$)/;

export const isWebVtt = (text: string): boolean => SIGNATURE.test(text.slice(0, 200).split(/\r\n|\r|\n/)[0] ?? '');

/** Lines of a text, however they end. */
export function textBlocks(text: string): TextBlock[] {
  const blocks: TextBlock[] = [];
  let open: TextBlock | null = null;
  text.split(/\r\n|\r|\n/).forEach((line, at) => {
    if (line.trim() === '') {
      open = null;
      return;
    }
    if (open === null) {
      open = { line: at + 1, lines: [] };
      blocks.push(open);
    }
    open.lines.push(line);
  });
  return blocks;
}

export function millisecondsOf(hours: string | undefined, minutes = '0', seconds = '0', fraction = '0'): number {
  return ((Number(hours ?? 0) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Number(fraction.padEnd(3, '0'));
}

function readCue({ line, lines }: TextBlock): RawCue | TextProblem {
  const at = lines.findIndex((one) => one.includes('-->'));
  // An identifier may stand before the times (WebVTT §4.1).
  if (at !== 0 && at !== 1) return { code: 'text-block-unclear', line };
  const [, h1, m1, s1, f1, h2, m2, s2, f2, settings = ''] = TIMING.exec(lines[at] ?? '') ?? [];
  if (m1 === undefined) return { code: 'text-times-unclear', line: line + at };
  const text = lines.slice(at + 1).join('\n');
  return {
    ...{ startMs: millisecondsOf(h1, m1, s1, f1), endMs: millisecondsOf(h2, m2, s2, f2) },
    ...{ settings, text, line: line + at },
  };
}

/**
 * The cues of WebVTT (§4.1) as they were written. What is not WebVTT is a problem, and nothing is guessed; only text behind an
 * empty line may be taken for more of the cue before it (`strays`: as programs write it that do not look).
 */
export function readWebVttCues(text: string, strays: 'refuse' | 'append' = 'refuse'): CueReading {
  const [signature, ...blocks] = textBlocks(text);
  const [first = '', ...header] = signature?.lines ?? [];
  if (!SIGNATURE.test(first) || header.some((line) => line.includes('-->'))) {
    return { problem: { code: 'text-block-unclear', line: signature?.line ?? 1 } };
  }
  const cues: RawCue[] = [];
  for (const block of blocks) {
    if (UNPUBLISHED.test(block.lines[0] ?? '') && !block.lines[0]?.includes('-->')) continue;
    const cue = readCue(block);
    const last = cues.at(-1);
    if (!('code' in cue)) cues.push(cue);
    else if (strays === 'append' && last && cue.code === 'text-block-unclear') {
      last.text = [last.text, ...block.lines].join('\n');
    } else return { problem: cue };
  }
  return { cues };
}

function problemOf({ startMs, endMs, text, line }: RawCue): TextProblem | null {
  if (endMs <= startMs) return { code: 'text-times-backwards', line };
  return text.length > MAX_CUE_CHARACTERS ? { code: 'text-cue-too-long', line } : null;
}

/**
 * What is published of cues: in the order of their beginnings (WebVTT §4.1), settings and text clean, those without any text left
 * out. Names of chapters are one plain line each (§5.2).
 */
export function publishedCues(raw: readonly RawCue[], kind: TextTrackKind): TextReading {
  if (raw.length > MAX_CUES) return { problem: { code: 'text-too-many-cues', line: null } };
  const cues: Cue[] = [];
  for (const cue of raw) {
    const problem = problemOf(cue);
    if (problem !== null) return { problem };
    const { startMs, endMs } = cue;
    const isChapter = kind === 'chapters';
    const text = isChapter ? plainCueText(cue.text) : cleanCueText(cue.text);
    if (text !== '') cues.push({ startMs, endMs, settings: isChapter ? '' : cleanSettings(cue.settings), text });
  }
  if (cues.length === 0) return { problem: { code: 'text-no-cues', line: null } };
  return { cues: cues.toSorted((one, other) => one.startMs - other.startMs) };
}

/** WebVTT §4.1: hours may be left out, and are not. */
export function formatTimestamp(ms: number): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const clock = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, Math.floor(ms / 1000) % 60];
  return `${clock.map(two).join(':')}.${String(ms % 1000).padStart(3, '0')}`;
}

/** WebVTT of published cues; `headers`: lines below the signature. */
export function formatWebVtt(cues: readonly Cue[], headers: readonly string[] = []): string {
  const blocks = cues.map(({ startMs, endMs, settings, text }) => {
    const times = `${formatTimestamp(startMs)} --> ${formatTimestamp(endMs)}`;
    return `${times}${settings && ` ${settings}`}\n${text}\n`;
  });
  return `${['WEBVTT', ...headers].join('\n')}\n\n${blocks.join('\n')}`;
}
