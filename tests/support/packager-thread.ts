import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PACKAGER = 'streamer/src/packager';
/** What it takes from elsewhere when it runs. */
const OTHERS = ['streamer/src/errors.ts', 'server/contracts/film-start.ts', 'server/contracts/packaged-codecs.ts'];
const ENTRY = `${PACKAGER}/threads/packager-thread.js`;
/** Below `node_modules`, so that the compiled files find the packages. */
const CACHE = path.join(ROOT, 'node_modules/.cache/protected-vod');

interface Source {
  /** Relative to the root of the repository. */
  file: string;
  text: string;
}

function readSources(): Source[] {
  const files = readdirSync(path.join(ROOT, PACKAGER), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.join(PACKAGER, file));
  return [...OTHERS, ...files.sort()].map((file) => ({ file, text: readFileSync(path.join(ROOT, file), 'utf8') }));
}

function compile(sources: Source[], directory: string): void {
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true };
  for (const { file, text } of sources) {
    const target = path.join(directory, file.replace(/\.ts$/, '.js'));
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, ts.transpileModule(text, { compilerOptions }).outputText);
  }
  writeFileSync(path.join(directory, 'package.json'), '{"type":"commonjs"}');
}

/** The packager's thread, compiled from its sources as they are now: a worker runs no TypeScript. */
export function compiledPackagerThread(): string {
  const sources = readSources();
  const version = createHash('sha256').update(JSON.stringify(sources)).digest('hex').slice(0, 16);
  const compiled = path.join(CACHE, `packager-thread-${version}`);
  if (!existsSync(compiled)) {
    mkdirSync(CACHE, { recursive: true });
    const draft = mkdtempSync(path.join(CACHE, 'draft-'));
    compile(sources, draft);
    try {
      renameSync(draft, compiled);
    } catch {
      // Another test file was faster.
      rmSync(draft, { recursive: true });
    }
  }
  return path.join(compiled, ENTRY);
}
