/** One section of ffmpeg's metadata format: of the film itself, of a stream, or of a chapter. Names in lower case. */
export interface MetadataSection {
  kind: 'film' | 'stream' | 'chapter';
  values: ReadonlyMap<string, string>;
}

/** A line ends where no backslash stands before the end: a film's own text has it there. */
const LINE = /((?:\\[\s\S]|[^\\\n])*)(?:\n|$)/g;
const KINDS: Readonly<Record<string, MetadataSection['kind']>> = { '[STREAM]': 'stream', '[CHAPTER]': 'chapter' };

const plain = (text: string): string => text.replace(/\\([\s\S])/g, '$1');

/** Reads what `-f ffmetadata` wrote. A text of the film can neither begin a section nor a value. */
export function parseMetadata(text: string): MetadataSection[] {
  let values = new Map<string, string>();
  const sections: MetadataSection[] = [{ kind: 'film', values }];
  for (const [, line = ''] of text.matchAll(LINE)) {
    const kind = KINDS[line];
    if (kind !== undefined) {
      values = new Map();
      sections.push({ kind, values });
      continue;
    }
    const [, name, value] = /^((?:\\[\s\S]|[^\\=;#])+)=([\s\S]*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) values.set(plain(name).toLowerCase(), plain(value));
  }
  return sections;
}
