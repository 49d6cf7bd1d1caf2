import { readFileSync } from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';

const README = readFileSync(path.resolve(import.meta.dirname, '../../README.md'), 'utf8');

/** The text of the one fenced block of the README that begins with this line. */
export function readmeBlock(firstLine: string): string {
  const found = [...README.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].flatMap(([, text = '']) =>
    text.startsWith(`${firstLine}\n`) ? [text] : [],
  );
  const [text] = found;
  if (text === undefined || found.length > 1) {
    throw new Error(`README.md has ${found.length} blocks that begin with “${firstLine}”.`);
  }
  return text;
}

/** What the properties in a block are. */
export function readmeConfig(firstLine: string): Record<string, object> {
  return JSON.parse(JSON.stringify(vm.runInNewContext(`({\n${readmeBlock(firstLine)}\n})`)));
}

/** Runs the statements of a block, which may name `known`; returns what they made of `result`. */
export async function runReadmeCode(firstLine: string, known: object, result = 'undefined'): Promise<unknown> {
  const names = Object.keys(known).join(', ');
  const run = vm.runInThisContext(`async (${names}) => {\n${readmeBlock(firstLine)}\nreturn ${result};\n}`);
  return run(...Object.values(known));
}
