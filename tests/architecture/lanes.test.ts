import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALONE, SQLITE_ONLY } from '../../.config/lanes';
import { read } from './source-files';

const pathOf = (folder: string, name: string) => `tests/${folder}/${name}.test.ts`;
const namesIn = (folder: string) =>
  readdirSync(path.resolve(import.meta.dirname, '..', folder)).flatMap(
    (file) => /^(.+)\.test\.ts$/.exec(file)?.[1] ?? [],
  );

describe('the end-to-end files that run alone', () => {
  it('are there', () => {
    expect(ALONE.filter((name) => !namesIn('e2e').includes(name))).toEqual([]);
  });

  it('are all that bound a time or the memory, or open a browser', () => {
    const isBounded = (text: string) =>
      /performance\.now\(|LIMIT_MS|probe\('memory'\)/.test(text) && /\.toBeLessThan(OrEqual)?\(/.test(text);
    const forgotten = namesIn('e2e').filter((name) => {
      const text = read(pathOf('e2e', name));
      return (isBounded(text) || text.includes('startBrowserSite')) && !ALONE.includes(name);
    });
    expect(forgotten).toEqual([]);
  });
});

describe('the integration files that run on SQLite alone', () => {
  const names = Object.keys(SQLITE_ONLY);

  it('are there, each with a reason', () => {
    expect(names.filter((name) => !namesIn('integration').includes(name))).toEqual([]);
    expect(Object.values(SQLITE_ONLY).filter((reason) => reason.length < 20)).toEqual([]);
  });

  it.each(names)('%s has no tests of a second node or of a server, and no SQL', (name) => {
    expect(read(pathOf('integration', name))).not.toMatch(
      /describeTwoNodes|requestedServer|db\.connection|getConnection/,
    );
  });
});
