import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');

/** Tracked and new source files below the given folders, relative to the repository. */
export function sourceFiles(...folders: string[]): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...folders], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const isSource = (file: string) => /\.(ts|tsx)$/.test(file) && !file.endsWith('.d.ts');
  // A file that was just deleted is still listed until that is committed.
  return listed.split('\n').filter((file) => isSource(file) && existsSync(path.join(ROOT, file)));
}

export function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

export interface Import {
  from: string;
  /** Repository path for relative imports, else the bare specifier. */
  to: string;
  typeOnly: boolean;
}

const STATEMENT = /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gms;

function resolveRelative(from: string, specifier: string, known: Set<string>): string {
  const base = path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier));
  const candidates = [`${base}.ts`, `${base}.tsx`, `${base}/index.ts`, base];
  return candidates.find((candidate) => known.has(candidate)) ?? base;
}

/** Every static import and re-export of the files. */
export function importsOf(files: string[]): Import[] {
  const known = new Set(files);
  return files.flatMap((from) =>
    [...read(from).matchAll(STATEMENT)].map(([, typeOnly, specifier = '']) => ({
      from,
      to: specifier.startsWith('.') ? resolveRelative(from, specifier, known) : specifier,
      typeOnly: typeOnly !== undefined,
    })),
  );
}
