/** BCP 47 tag of an ISO 639-2 code (`deu` and `ger` → `de`); undefined for `und` and for what is no language code. */
export function toLanguageTag(code: string): string | undefined {
  if (!/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(code)) return undefined;
  try {
    const tag = Intl.getCanonicalLocales(code)[0];
    return tag === undefined || tag === 'und' ? undefined : tag;
  } catch {
    // Well-formed to the eye, but not to BCP 47 (repeated subtags and the like): the film names no language then.
    return undefined;
  }
}

const MAX_NAME_CHARACTERS = 100;

/** What to call the track of `number` in a menu. QuickTime handler names are no names. */
export function labelTrack(given: string | null, language: string | undefined, number: number): string {
  const name = [...(given ?? '')].slice(0, MAX_NAME_CHARACTERS).join('').trim();
  if (name !== '' && !/handler/i.test(name)) return name;
  const spoken = language && new Intl.DisplayNames('en', { type: 'language', fallback: 'none' }).of(language);
  return spoken || `Audio ${number}`;
}

/** `name`, or `name (2)` and so on until it is not among `taken`. */
export function makeUnique(name: string, taken: ReadonlySet<string>): string {
  let candidate = name;
  for (let count = 2; taken.has(candidate); count += 1) candidate = `${name} (${count})`;
  return candidate;
}
