import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSettings, readEnvironment } from '../../../../streamer/src/config';

const KEY = 'A'.repeat(43);
const SETTINGS = {
  keys: { credential: KEY, publicKeys: { k1: KEY } },
  internalUrl: 'http://127.0.0.1:1337/api/protected-vod/internal',
  storageRoot: '/srv/films',
  cacheDir: '/var/cache/films',
};

describe('S1 settings', () => {
  let scratch = '';
  let file = '';
  beforeAll(() => {
    scratch = mkdtempSync(path.join(tmpdir(), 'config-'));
    file = path.join(scratch, 'keys.json');
    writeFileSync(file, JSON.stringify(SETTINGS.keys), { mode: 0o600 });
  });
  afterAll(() => rmSync(scratch, { recursive: true }));
  const env = (more: Record<string, string> = {}) => ({
    PROTECTED_VOD_STREAMER_KEYS_FILE: file,
    PROTECTED_VOD_INTERNAL_URL: SETTINGS.internalUrl,
    PROTECTED_VOD_STORAGE_ROOT: SETTINGS.storageRoot,
    PROTECTED_VOD_CACHE_DIR: SETTINGS.cacheDir,
    ...more,
  });

  it('are read from the environment and a file of keys, and frozen', () => {
    const lists = { PROTECTED_VOD_TRUSTED_PROXIES: '10.0.0.0/8, ::1', PROTECTED_VOD_PORT: '8080' };
    const settings = readEnvironment(env(lists));
    expect(settings).toMatchObject({ ...SETTINGS, port: 8080, trustedProxies: ['10.0.0.0/8', '::1'] });
    expect(Object.isFrozen(settings)).toBe(true);
  });

  it.each([0o640, 0o604, 0o644])('a file of keys with mode %o is refused', (mode) => {
    chmodSync(file, mode);
    expect(() => readEnvironment(env())).toThrow(/chmod 600/);
    chmodSync(file, 0o600);
  });

  it('a credential of systemd may be open to its group, by the access list that lets the service in', () => {
    chmodSync(file, 0o440);
    expect(readEnvironment(env({ CREDENTIALS_DIRECTORY: scratch })).keys).toEqual(SETTINGS.keys);
    expect(() => readEnvironment(env({ CREDENTIALS_DIRECTORY: path.dirname(scratch) }))).toThrow(/chmod 600/);
    chmodSync(file, 0o444);
    expect(() => readEnvironment(env({ CREDENTIALS_DIRECTORY: scratch }))).toThrow(/chmod 600/);
    chmodSync(file, 0o600);
  });

  it('the words of the edge are two, and the prefix has a slash at both ends', () => {
    const of = (more: Record<string, string>) => readEnvironment(env(more));
    expect(of({}).edge).toBe(false);
    expect(of({ PROTECTED_VOD_EDGE: 'true' }).edge).toBe(true);
    expect(() => of({ PROTECTED_VOD_EDGE: 'yes' })).toThrow(/PROTECTED_VOD_EDGE/);
    expect(of({ PROTECTED_VOD_ACCEL_PREFIX: '/segments/' }).accelPrefix).toBe('/segments/');
    expect(() => of({ PROTECTED_VOD_ACCEL_PREFIX: 'segments' })).toThrow(/PROTECTED_VOD_ACCEL_PREFIX/);
  });

  it('a broken file of keys is refused without quoting it', () => {
    const broken = path.join(scratch, 'broken.json');
    writeFileSync(broken, '{"credential":"hunter2"', { mode: 0o600 });
    expect(() => readEnvironment(env({ PROTECTED_VOD_STREAMER_KEYS_FILE: broken }))).toThrow(
      /secret print --role streamer/,
    );
    expect(() => readEnvironment(env({ PROTECTED_VOD_STREAMER_KEYS_FILE: broken }))).not.toThrow(/hunter2/);
  });

  it('a wrong value is named by its variable', () => {
    expect(() => readEnvironment(env({ PROTECTED_VOD_PORT: 'http' }))).toThrow(/PROTECTED_VOD_PORT/);
    expect(() => readEnvironment(env({ PROTECTED_VOD_STORAGE_ROOT: '' }))).toThrow(/PROTECTED_VOD_STORAGE_ROOT/);
  });

  it.each([
    ['https://cms.example/api', true],
    ['http://127.0.0.1:1337/api', true],
    ['http://localhost:1337/api', true],
    ['http://[::1]:1337/api', true],
    ['http://cms.example/api', false],
    ['http://10.0.0.5:1337/api', false],
    ['http://127.0.0.1.evil.example/api', false],
    ['ftp://127.0.0.1/api', false],
  ])('the internal URL %s is accepted: %s', (internalUrl, accepted) => {
    const parse = () => parseSettings({ ...SETTINGS, internalUrl });
    if (accepted) expect(parse().internalUrl).toBe(internalUrl);
    else expect(parse).toThrow(/https, or http on loopback/);
  });
});
