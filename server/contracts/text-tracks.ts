import { z } from 'zod';

/** As HTML has them (HTML §4.8.11.11.5): what is said; also what is heard; names of parts of the film. */
export const TEXT_TRACK_KINDS = ['subtitles', 'captions', 'chapters'] as const;

/** Of an uploaded or embedded text, before it is changed into what is published. */
export const MAX_TEXT_BYTES = 1024 * 1024;

/** Uploaded and embedded ones together. */
export const MAX_TEXT_TRACKS = 48;

/** As many subtitles are taken out of one film; chapters come on top. */
export const MAX_EMBEDDED_TEXTS = 12;

/** The file beside the film is `text-<id>.vtt`. */
export const textTrackIdSchema = z.string().regex(/^[a-z0-9]{1,16}$/);

export const EMBEDDED_CHAPTERS_ID = 'chapters';

/** From 1. No uploaded track has such an id: those are eight hexadecimal digits. */
export const embeddedTextId = (number: number): string => `e${number}`;

const EMBEDDED_IDS: ReadonlySet<string> = new Set([
  ...Array.from({ length: MAX_EMBEDDED_TEXTS }, (_, at) => embeddedTextId(at + 1)),
  EMBEDDED_CHAPTERS_ID,
]);

/** Whether it was found in the film; else somebody uploaded it. */
export const isEmbeddedText = (id: string): boolean => EMBEDDED_IDS.has(id);

export const textFileNameOf = (id: string): string => `text-${id}.vtt`;

/** Null: a file of this name is no text track. */
export function textIdOf(fileName: string): string | null {
  return /^text-([a-z0-9]{1,16})\.vtt$/.exec(fileName)?.[1] ?? null;
}

/** Whether a file of this name beside a film can come from a person alone. */
export function isUploadedText(fileName: string): boolean {
  const id = textIdOf(fileName);
  return id !== null && !isEmbeddedText(id);
}

/** Names of all that may be taken out of one film. */
export const EMBEDDED_TEXT_NAMES: readonly string[] = [...EMBEDDED_IDS].map(textFileNameOf);

function canonicalTag(tag: string): string | null {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? null;
  } catch {
    return null;
  }
}

/** BCP 47, brought into its canonical form; `und`: not known. */
export const languageTagSchema = z
  .string()
  .max(35)
  .transform((tag, context) => {
    const canonical = canonicalTag(tag);
    if (canonical !== null) return canonical;
    context.addIssue({ code: 'custom', message: 'This is no language tag (BCP 47), such as “de” or “pt-BR”.' });
    return z.NEVER;
  });

/** What is known of a text track beside its cues. The label is any text: it is escaped wherever it is written. */
export const textTrackFactsSchema = z.object({
  kind: z.enum(TEXT_TRACK_KINDS),
  language: languageTagSchema,
  label: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'A label is one line of text.'),
  /** Shown unless the viewer chooses otherwise. */
  default: z.boolean(),
  /** Of what is shown: also to those who want no subtitles, because it cannot be understood without (RFC 8216 §4.3.4.1). */
  forced: z.boolean().exactOptional(),
});

export type TextTrackKind = (typeof TEXT_TRACK_KINDS)[number];
export type TextTrackFacts = z.infer<typeof textTrackFactsSchema>;
