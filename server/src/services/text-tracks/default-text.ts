import type { DerivedFile, TextTrackFacts } from '../../../contracts';

/** One of what is shown over the picture is the default, and one of the lists of chapters. */
const areRivals = (one: Pick<TextTrackFacts, 'kind'>, other: Pick<TextTrackFacts, 'kind'>): boolean =>
  (one.kind === 'chapters') === (other.kind === 'chapters');

/** These, with none as the default in place of a text that is. */
export function withoutDefault(files: readonly DerivedFile[], by: Pick<TextTrackFacts, 'kind'>): DerivedFile[] {
  return files.map((file) =>
    file.text && areRivals(file.text, by) ? { ...file, text: { ...file.text, default: false } } : file,
  );
}

/** What was found in the film beside what is known of it: a default of its own stands back behind one that stays. */
export function standingBack(found: readonly DerivedFile[], known: readonly DerivedFile[]): DerivedFile[] {
  const names = new Set(found.map(({ name }) => name));
  const staying = known.flatMap(({ name, text }) => (text?.default && !names.has(name) ? [text] : []));
  return staying.reduce<DerivedFile[]>((rest, text) => withoutDefault(rest, text), [...found]);
}
