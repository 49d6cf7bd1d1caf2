/** WebVTT §4.2.2. Whatever else stands between angle brackets (`<font>`, `<script>`) is left out, not what it encloses. */
const TAG = /^<(\/?)(c|i|b|u|v|lang|ruby|rt)((?:\.[^\s.<>&"'/]+)*)(?:[ \t\n]+([^<>]*))?>$/;
const TIMESTAMP = /^<(?:\d{2,3}:)?[0-5]\d:[0-5]\d\.\d{3}>$/;
/** A bracket that no name follows is one to be read: 1 < 2. */
const TOKEN = /<[a-z\d/!?][^<>]*>|&(?:[a-z]{1,8}|#\d{1,7}|#x[0-9a-f]{1,6});|[&<>]/gi;
const ANNOTATED = new Set(['v', 'lang']);

const ESCAPED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
/** Those that every WebVTT parser knows. */
const KEPT = new Set(['&amp;', '&lt;', '&gt;', '&nbsp;', '&lrm;', '&rlm;']);
const DECODED: Readonly<Record<string, string>> = { '&quot;': '"', '&apos;': "'" };

export function escapeCueText(text: string): string {
  return text.replace(/[&<>]/g, (character) => ESCAPED[character] ?? character);
}

function characterOf(reference: string): string | null {
  const [, hex, decimal] = /^&#(?:x([0-9a-f]+)|(\d+));$/i.exec(reference) ?? [];
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  const isCharacter = code >= 0x20 && code <= 0x10ffff && !(code >= 0x7f && code <= 0x9f);
  return isCharacter && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : null;
}

function cleanReference(reference: string): string {
  const name = reference.toLowerCase();
  if (KEPT.has(name)) return name;
  return escapeCueText(DECODED[name] ?? characterOf(reference) ?? reference);
}

function cleanAnnotation(text: string): string {
  return text
    .replace(/&[^;\s]{1,9};|&/g, (token) => (token === '&' ? '&amp;' : cleanReference(token)))
    .replace(/\s+/g, ' ')
    .trim();
}

/** Writes the tags of one cue, so that each that is opened is closed, and none is closed that was not opened. */
class Tags {
  readonly #open: string[] = [];

  write(token: string): string {
    if (TIMESTAMP.test(token)) return token;
    const [, slash, name, classes = '', annotation] = TAG.exec(token) ?? [];
    if (name === undefined) return '';
    if (slash === '/') return this.#close(name);
    this.#open.push(name);
    const about = ANNOTATED.has(name) && annotation ? cleanAnnotation(annotation) : '';
    return `<${name}${classes}${about && ` ${about}`}>`;
  }

  rest(): string {
    return this.#open
      .splice(0)
      .reverse()
      .map((name) => `</${name}>`)
      .join('');
  }

  #close(name: string): string {
    if (this.#open.at(-1) !== name) return '';
    this.#open.pop();
    return `</${name}>`;
  }
}

/** No line may be empty: that would end the cue. */
function cleanLines(text: string): string {
  const lines = text.replace(/[^\P{Cc}\n]|\p{Cs}/gu, ' ').split('\n');
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
}

/** The text of a cue as it is published: well-formed, with tags of the list alone. May be empty. */
export function cleanCueText(text: string): string {
  const tags = new Tags();
  const written = cleanLines(text).replace(TOKEN, (token) => {
    if (token.startsWith('<') && token.length > 1) return tags.write(token);
    return token.length === 1 ? escapeCueText(token) : cleanReference(token);
  });
  return cleanLines(written + tags.rest());
}

/** The same as one line without any tag, for names of chapters. */
export function plainCueText(text: string): string {
  return cleanCueText(text)
    .replace(/<[^<>]*>/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
