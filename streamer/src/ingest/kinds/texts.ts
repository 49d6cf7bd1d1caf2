import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  EMBEDDED_CHAPTERS_ID,
  embeddedTextId,
  MAX_EMBEDDED_TEXTS,
  MAX_TEXT_BYTES,
  textFileNameOf,
} from '../../../../server/contracts';
import { ALL_DECODERS } from '../tools/film-input';
import { originOf } from '../tools/film-probe';
import { type EmbeddedSubtitles, extractArguments, type FilmTexts, probeFlags, probeTexts } from '../tools/film-texts';
import { HIDES_SUBTITLES } from '../tools/formats';
import { readToolFile } from '../tools/tool-file';
import { NO_FLAGS, type TrackFlags } from '../tools/track-flags';
import { CHAPTERS_FACTS, describeSubtitles, publishChapters, publishSubtitles } from './embedded-text';
import type { Maker, Making } from './maker';

/** Texts are spread over the whole film, which is read to its end. */
const BASE_SECONDS = 120;
const SECONDS_PER_FILM_SECOND = 0.5;
const MAX_FILE_BYTES = 16 * MAX_TEXT_BYTES;

/** Those that are taken, by the id that each is published under. */
function wantedOf({ subtitles }: FilmTexts): Map<string, EmbeddedSubtitles> {
  const texts = subtitles.filter(({ isText }) => isText).slice(0, MAX_EMBEDDED_TEXTS);
  return new Map(texts.map((one, at) => [embeddedTextId(at + 1), one]));
}

const rawNameOf = (id: string): string => `raw-${id}.vtt`;

async function extract(making: Making, wanted: ReadonlyMap<string, EmbeddedSubtitles>): Promise<void> {
  const { film, durationSeconds, scratch, tools, signal } = making;
  const args = extractArguments(film, new Map([...wanted].map(([id, one]) => [rawNameOf(id), one])));
  const seconds = BASE_SECONDS + durationSeconds * SECONDS_PER_FILM_SECOND;
  await tools.ffmpeg({ args, cwd: scratch.work, seconds, fileBytes: MAX_FILE_BYTES, signal });
}

/** What the film says of those that are published; the first default is the one. */
function describeAll(
  making: Making,
  published: ReadonlyMap<string, EmbeddedSubtitles>,
  flags: ReadonlyMap<string, TrackFlags>,
): void {
  let hasDefault = false;
  for (const [id, one] of published) {
    const told = flags.get(id) ?? NO_FLAGS;
    const facts = describeSubtitles(one, one.index + 1, { ...told, isDefault: told.isDefault && !hasDefault });
    hasDefault ||= facts.default;
    making.described(textFileNameOf(id), facts);
  }
}

/** The published texts by their ids; those that cannot be read are missing. */
async function publish(making: Making, texts: FilmTexts, originMs: number): Promise<Map<string, string>> {
  const published = new Map<string, string>();
  const wanted = wantedOf(texts);
  if (wanted.size > 0) await extract(making, wanted);
  const readable = new Map<string, EmbeddedSubtitles>();
  for (const [id, one] of wanted) {
    const raw = await readToolFile(path.join(making.scratch.work, rawNameOf(id)), MAX_TEXT_BYTES);
    const text = publishSubtitles(raw, originMs);
    if (text === null) continue;
    published.set(id, text);
    readable.set(id, one);
  }
  if (readable.size > 0) describeAll(making, readable, await probeFlags(making, readable));
  if (published.size < texts.subtitles.length) making.noted('texts-left-out');
  const chapters = publishChapters(texts.chapters, originMs);
  if (chapters === null) return published;
  making.described(textFileNameOf(EMBEDDED_CHAPTERS_ID), CHAPTERS_FACTS);
  return published.set(EMBEDDED_CHAPTERS_ID, chapters);
}

/** Subtitles and chapters of a film as WebVTT, each read and written anew (S25). Subtitles that are pictures are left out. */
export const makeTexts: Maker = async (making) => {
  const { film, tools, scratch, signal } = making;
  if (HIDES_SUBTITLES.has(film.demuxer)) return new Map();
  const texts = await probeTexts(making);
  if (texts.subtitles.length === 0 && texts.chapters.length === 0) return new Map();
  const origin = originOf(await tools.probe(film, ALL_DECODERS, { cwd: scratch.work, signal }));
  const made = new Map<string, string>();
  for (const [id, text] of await publish(making, texts, Math.round(origin * 1000))) {
    const file = path.join(scratch.work, textFileNameOf(id));
    // Exclusively: whatever the tool may have left there is not written through.
    await writeFile(file, text, { flag: 'wx' });
    made.set(textFileNameOf(id), file);
  }
  return made;
};
