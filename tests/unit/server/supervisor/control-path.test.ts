import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { controlPath, deriveControlKey, unsharedControlPath } from '../../../../server/src/supervisor';

const key = deriveControlKey('c'.repeat(43));
let base: string;
let temporary: string;

beforeEach(() => {
  base = mkdtempSync(path.join(tmpdir(), 'run-'));
  temporary = mkdtempSync(path.join(tmpdir(), 'tmp-'));
  vi.stubEnv('XDG_RUNTIME_DIR', base);
  vi.stubEnv('TMPDIR', temporary);
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const directory of [base, temporary]) rmSync(directory, { recursive: true });
});

const own = (directory: string) => path.join(directory, `protected-vod-${process.getuid?.()}`);

describe('place of the control socket', () => {
  it('S4 is a directory that nobody else may enter', () => {
    const { file } = controlPath(key, '/films', 'settings') ?? { file: '' };
    expect(path.dirname(file)).toBe(own(base));
    expect(statSync(own(base)).mode & 0o777).toBe(0o700);
  });

  it('S4 a directory that others may enter is not used, nor one that is none', () => {
    mkdirSync(own(base));
    chmodSync(own(base), 0o770);
    expect(path.dirname(controlPath(key, '/films', 'settings')?.file ?? '')).toBe(own(temporary));
    rmSync(own(temporary), { recursive: true, force: true });
    writeFileSync(own(temporary), '');
    const elsewhere = controlPath(key, '/films', 'settings');
    expect(elsewhere === null || path.dirname(elsewhere.file) === own('/tmp')).toBe(true);
  });

  it('is the same for the same secret, storage root and settings, and another for others', () => {
    const at = (...[secret, root, settings]: [string, string, string]) =>
      controlPath(deriveControlKey(secret.repeat(43)), root, settings)?.file;
    expect(at('c', '/films', 'x')).toBe(at('c', '/films', 'x'));
    const all = [at('c', '/films', 'x'), at('d', '/films', 'x'), at('c', '/other', 'x'), at('c', '/films', 'y')];
    expect(new Set(all).size).toBe(4);
  });

  it('tells streamers of the same storage with other settings, and no others', () => {
    const [mine, sibling, stranger] = [
      controlPath(key, '/films', 'x'),
      controlPath(key, '/films', 'y'),
      controlPath(key, '/other', 'x'),
    ];
    for (const entry of [mine, sibling, stranger]) writeFileSync(entry?.file ?? '', '');
    expect(mine?.others()).toEqual([sibling?.file]);
  });

  it('fits into a socket address, on macOS too, whatever the names of the directories', () => {
    const long = path.join(base, 'x'.repeat(100));
    mkdirSync(long, { mode: 0o700 });
    vi.stubEnv('XDG_RUNTIME_DIR', long);
    expect(path.dirname(controlPath(key, '/films', 'x')?.file ?? '')).toBe(own(temporary));
    vi.stubEnv('TMPDIR', long);
    expect(unsharedControlPath(key)).toMatch(/^\/tmp\/protected-vod-\w{6}\/control$/);
  });

  it('an unshared one is another each time', () => {
    expect(unsharedControlPath(key)).not.toBe(unsharedControlPath(key));
  });
});
