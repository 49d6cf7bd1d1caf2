import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT, read } from './source-files';

interface Manifest {
  exports: Record<string, string | Record<string, string>>;
  bin: Record<string, string>;
  files: string[];
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
}

const manifest = JSON.parse(read('package.json')) as Manifest & { main?: string };
const entries = Object.entries(manifest.exports).flatMap(([name, conditions]) =>
  typeof conditions === 'string' ? [] : [{ name, conditions }],
);

/** Built files by their paths in the package. Nothing is skipped without a build: it fails. */
function distFiles(extension: RegExp): string[] {
  const dist = path.join(ROOT, 'dist');
  if (!existsSync(dist)) throw new Error('dist is missing: run `npm run build` first.');
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .map((file) => path.posix.join('dist', file.split(path.sep).join('/')))
    .filter((file) => extension.test(file));
}

/** Modules that a bundle loads when it runs, by any of the three ways. */
const loadedBy = (file: string): string[] =>
  [...read(file).matchAll(/(?:\bfrom\s*|\brequire\(|\bimport\(|^\s*import\s*)["']([^"'\n]+)["']/gm)].map(
    ([, specifier = '']) => specifier,
  );

const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

describe('the manifest', () => {
  it('has no main, which would bypass the exports', () => {
    expect(manifest.main).toBeUndefined();
  });

  it.each(entries)('$name: its source and every bundle of it exist', ({ conditions }) => {
    expect(Object.keys(conditions)).toEqual(expect.arrayContaining(['source', 'require', 'default']));
    const missing = Object.values(conditions).filter((file) => !existsSync(path.join(ROOT, file)));
    expect(missing).toEqual([]);
  });

  it('every bundle belongs to an export', () => {
    const named = new Set(entries.flatMap(({ conditions }) => Object.values(conditions).map(path.posix.normalize)));
    expect(distFiles(/\.m?js$/).filter((file) => !named.has(file))).toEqual([]);
  });

  it('what the bundles load is a dependency, a peer, or part of Node', () => {
    const declared = new Set([
      ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
      // Strapi brings it; a plugin names Strapi as its peer.
      '@strapi/design-system',
      '@strapi/icons',
    ]);
    const isUndeclared = (specifier: string) =>
      !specifier.startsWith('.') && !specifier.startsWith('node:') && !declared.has(packageOf(specifier));
    const undeclared = distFiles(/\.m?js$/).flatMap((file) => loadedBy(file).filter(isUndeclared));
    expect(undeclared).toEqual([]);
  });
});

describe('the bundles', () => {
  it('loading is seen at all', () => {
    expect(loadedBy('dist/packager-thread/index.js')).toContain('mediabunny');
    expect(loadedBy('dist/server/index.mjs')).toContain('zod');
  });

  it('the streamer holds nothing of Strapi', () => {
    expect(loadedBy('dist/streamer/index.js').filter((specifier) => specifier.startsWith('@strapi/'))).toEqual([]);
    expect(read('dist/streamer/index.js')).not.toContain('@strapi');
  });

  it('the streamer reads films in threads only', () => {
    expect(loadedBy('dist/streamer/index.js')).not.toContain('mediabunny');
  });

  it.each(distFiles(/^dist\/admin\/.*\.m?js$/))('%s: nothing of Node and no zod reaches the browser', (file) => {
    expect(loadedBy(file).filter((specifier) => /^(node:|zod\b)/.test(specifier))).toEqual([]);
    expect(read(file)).not.toMatch(/["'`]node:|\bzod\b/);
  });

  it('the upload provider exports init, as Strapi calls it', () => {
    const provider = createRequire(import.meta.url)(path.join(ROOT, 'dist/upload-provider/index.js'));
    expect(provider.init).toBeTypeOf('function');
  });

  it.each(Object.entries(manifest.bin))('the command %s begins with its shebang and runs', (_name, file) => {
    expect(read(file).split('\n', 1)).toEqual(['#!/usr/bin/env node']);
    const version = execFileSync(process.execPath, [path.join(ROOT, file), '--version'], { encoding: 'utf8' });
    expect(version.trim()).toBe(JSON.parse(read('package.json')).version);
  });

  it('no file in dist names a place on the machine that built it', () => {
    const isTelling = (text: string) =>
      text.includes(ROOT) || /["'`](file:\/\/|\/root\/|\/home\/|\/Users\/)/.test(text);
    expect(distFiles(/\.(m?js|ts|map)$/).filter((file) => isTelling(read(file)))).toEqual([]);
  });
});

describe('the package', () => {
  let packed: string[] = [];

  beforeAll(() => {
    const listing = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ files }] = JSON.parse(listing) as [{ files: { path: string }[] }];
    packed = files.map((file) => file.path);
  }, 60_000);

  it('holds dist, the sample deployments, README, LICENSE, CHANGELOG and the manifest, nothing else', () => {
    const outside = packed.filter((file) => !/^(dist|streamer\/deploy)\//.test(file));
    expect(outside.toSorted()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
    expect(packed).toContain('streamer/deploy/nginx-edge.conf');
    for (const { conditions } of entries) {
      const bundle = path.posix.normalize(conditions.default ?? '');
      expect(packed).toContain(bundle);
    }
    expect(packed.filter((file) => /(^|\/)tests?\/|\.test\.|tsbuildinfo/.test(file))).toEqual([]);
  });

  it('no source map leads into the tests', () => {
    const maps = packed.filter((file) => file.endsWith('.map'));
    const sources = maps.flatMap((file) => JSON.parse(readFileSync(path.join(ROOT, file), 'utf8')).sources as string[]);
    expect(sources.filter((source) => /(^|\/)tests\//.test(source))).toEqual([]);
  });
});
