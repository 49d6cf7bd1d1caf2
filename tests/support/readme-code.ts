import { readFileSync } from 'node:fs';
import path from 'node:path';

const README = path.resolve(import.meta.dirname, '../../README.md');

/** The block of code whose first line is the comment `// <name>`, as a reader would copy it. */
export function readmeCode(name: string): string {
  const blocks = [...readFileSync(README, 'utf8').matchAll(/^```\w+\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
  const [found, ...others] = blocks.filter((code) => code.startsWith(`// ${name}\n`));
  if (found === undefined || others.length > 0) throw new Error(`README has not exactly one ${name}.`);
  return found;
}
