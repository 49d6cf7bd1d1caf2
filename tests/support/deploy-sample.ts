import { readFileSync } from 'node:fs';
import path from 'node:path';

export const DEPLOY = path.resolve(import.meta.dirname, '../../streamer/deploy');

/** What to put in the place of what; everything named must occur. */
export type Replacements = readonly (readonly [placeholder: string | RegExp, value: string])[];

/** A sample as an operator would have changed it. Throws where it no longer has what is to be changed. */
export function renderSample(name: string, replacements: Replacements): string {
  let text = readFileSync(path.join(DEPLOY, name), 'utf8');
  for (const [placeholder, value] of replacements) {
    const next = text.replaceAll(
      typeof placeholder === 'string' ? placeholder : new RegExp(placeholder, 'g'),
      () => value,
    );
    if (next === text) throw new Error(`${name} does not hold ${placeholder}`);
    text = next;
  }
  return text;
}
