import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DEPLOY, renderSample } from '../../support/deploy-sample';
import { SYSTEMD_ANALYZE } from '../../support/tools';

const readme = readFileSync(path.join(DEPLOY, '../../README.md'), 'utf8');
const table = new Set([...readme.matchAll(/^\| `(PROTECTED_VOD_\w+)` \|/gm)].map(([, name]) => name));
const UNITS = [
  'systemd/protected-vod-streamer@.service',
  'systemd/strapi.service',
  'systemd/protected-vod-ingest@.service',
];

/** `[Section] Key=Value` lines of a unit. */
function directivesOf(unit: string): { section: string; key: string; value: string }[] {
  let section = '';
  return renderSample(unit, [])
    .split('\n')
    .flatMap((line) => {
      if (line === '' || line.startsWith('#')) return [];
      const header = /^\[(\w+)\]$/.exec(line)?.[1];
      if (header !== undefined) section = header;
      const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (header === undefined && (key === undefined || value === undefined)) throw new Error(`unreadable: ${line}`);
      return key === undefined || value === undefined ? [] : [{ section, key, value }];
    });
}

describe.each(UNITS)('%s', (unit) => {
  const directives = directivesOf(unit);
  const valuesOf = (key: string) => directives.filter((one) => one.key === key).map(({ value }) => value);

  it('runs as a user of its own, without new privileges, and comes back', () => {
    expect(valuesOf('User')).toEqual(['strapi']);
    expect(valuesOf('NoNewPrivileges')).toEqual(['yes']);
    expect(valuesOf('ProtectSystem')).toEqual(['strict']);
    expect(valuesOf('Restart')).toEqual(['always']);
    expect(valuesOf('KillSignal')).toEqual(['SIGTERM']);
  });

  it('names no variable that the README does not list', () => {
    const named = valuesOf('Environment').map((value) => value.split('=')[0] ?? '');
    expect(named.filter((name) => name.startsWith('PROTECTED_VOD_') && !table.has(name))).toEqual([]);
  });
});

describe('the streamer’s unit', () => {
  const directives = directivesOf(UNITS[0] ?? '');
  const value = (key: string) => directives.find((one) => one.key === key)?.value ?? '';
  const variable = (name: string) =>
    directives.find((one) => one.key === 'Environment' && one.value.startsWith(`${name}=`))?.value.split('=')[1];

  it('waits longer than the drain, and does not repeat wrong settings', () => {
    expect(Number(value('TimeoutStopSec'))).toBeGreaterThan(Number(variable('PROTECTED_VOD_DRAIN_SECONDS')));
    expect(value('RestartPreventExitStatus')).toBe('2');
  });

  it('S1 gets its keys as a credential, and reads the films only', () => {
    const [name = ''] = value('LoadCredential').split(':');
    expect(variable('PROTECTED_VOD_STREAMER_KEYS_FILE')).toBe(`%d/${name}`);
    expect(value('ReadOnlyPaths')).toBe(variable('PROTECTED_VOD_STORAGE_ROOT'));
    expect(variable('PROTECTED_VOD_CACHE_DIR')).toBe(`/var/cache/${value('CacheDirectory')}`);
  });
});

describe('the ingest worker’s unit', () => {
  const directives = directivesOf(UNITS[2] ?? '');
  const value = (key: string) => directives.find((one) => one.key === key)?.value ?? '';
  const variable = (name: string) =>
    directives.find((one) => one.key === 'Environment' && one.value.startsWith(`${name}=`))?.value.split('=')[1];

  it('S1 gets its keys as a credential, S24 and writes to the area of unfinished work alone', () => {
    const [name = ''] = value('LoadCredential').split(':');
    expect(variable('PROTECTED_VOD_INGEST_KEYS_FILE')).toBe(`%d/${name}`);
    expect(value('ReadOnlyPaths')).toBe(variable('PROTECTED_VOD_STORAGE_ROOT'));
    expect(value('ReadWritePaths')).toBe(`${variable('PROTECTED_VOD_STORAGE_ROOT')}/ingest`);
  });

  it('S24 reaches Strapi and nothing else, and may give ffmpeg a network and a root of its own', () => {
    expect([value('IPAddressDeny'), value('IPAddressAllow')]).toEqual(['any', 'localhost']);
    expect(value('RestrictNamespaces')).toBe('user net mnt pid ipc');
    expect(value('SystemCallFilter')).toBe('@system-service @mount');
  });
});

describe.skipIf(!SYSTEMD_ANALYZE)('systemd-analyze verify', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'protected-vod-units-'));
    mkdirSync(path.join(directory, 'bin'));
    for (const name of ['protected-vod', 'strapi']) {
      writeFileSync(path.join(directory, 'bin', name), '#!/bin/sh\n');
      chmodSync(path.join(directory, 'bin', name), 0o755);
    }
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each(UNITS)('%s', (unit) => {
    const text = renderSample(unit, [['/srv/vod/site/node_modules/.bin', path.join(directory, 'bin')]]);
    const file = path.join(directory, path.basename(unit));
    writeFileSync(file, text);
    const instance = file.replace('@.', '@1.');
    if (instance !== file) writeFileSync(instance, text);
    // It warns with exit code 0 of what it does not know.
    const said = execFileSync('/bin/sh', ['-c', '"$0" verify --man=no "$1" 2>&1', SYSTEMD_ANALYZE ?? '', instance]);
    expect(
      said
        .toString()
        .split('\n')
        .filter((line) => line.includes(path.basename(instance))),
    ).toEqual([]);
  });
});

describe.each(['nginx-edge.conf', 'nginx-accel.conf', 'haproxy.cfg'])('%s', (sample) => {
  it('knows resumable uploads by the address that tickets name', () => {
    const [, address] =
      /(?:location \^~|path_beg) (\S+)(?: \{\n\s+proxy_pass http:\/\/vod_uploads;| \})/.exec(
        renderSample(sample, []),
      ) ?? [];
    expect(address).toBe('/api/protected-vod/uploads');
  });
});

interface Service {
  image: string;
  environment?: Record<string, string>;
  volumes?: string[];
  secrets?: string[];
  networks?: string[] | Record<string, unknown>;
  deploy?: { replicas: number };
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, null>;
  secrets: Record<string, { file: string }>;
  networks: Record<string, unknown>;
  configs: { upstreams: { content: string } };
}

describe('compose.yaml', () => {
  const compose = parse(renderSample('compose.yaml', []), { merge: true }) as Compose;
  const services = Object.entries(compose.services);

  it('has two Strapis, three streamers, PostgreSQL and nginx, from official images', () => {
    expect(compose.services.strapi?.deploy?.replicas).toBe(2);
    expect(compose.services.streamer?.deploy?.replicas).toBe(3);
    expect(new Set(services.map(([, { image }]) => image))).toEqual(
      new Set(['node:20-bookworm-slim', 'postgres:16', 'nginx:1.27']),
    );
  });

  it('names only volumes, secrets and networks that it declares', () => {
    const named = services.flatMap(([, { volumes = [], secrets = [], networks = [] }]) => [
      ...volumes.map((volume) => volume.split(':')[0] ?? '').filter((source) => !source.startsWith('.')),
      ...secrets,
      ...(Array.isArray(networks) ? networks : Object.keys(networks)),
    ]);
    const declared = [compose.volumes, compose.secrets, compose.networks].flatMap(Object.keys);
    expect(named.filter((name) => !declared.includes(name))).toEqual([]);
  });

  it('configures streamers by variables that the README lists', () => {
    const named = Object.keys(compose.services.streamer?.environment ?? {});
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !table.has(name))).toEqual([]);
  });

  it('gives nginx every upstream that its sample uses', () => {
    const used = [...renderSample('nginx-edge.conf', []).matchAll(/proxy_pass http:\/\/(\w+)/g)].map(
      ([, name]) => name,
    );
    const given = [...compose.configs.upstreams.content.matchAll(/upstream (\w+)/g)].map(([, name]) => name);
    expect(new Set(given)).toEqual(new Set(used));
  });
});

describe('what the samples send from a cache', () => {
  const patterns = ['nginx-edge.conf', 'varnish.vcl'].flatMap((name) =>
    [...readFileSync(path.join(DEPLOY, name), 'utf8').matchAll(/"(\^\/v\/[^"]*m4s\$)"/g)].map(([, text = '']) => text),
  );
  const isKept = (resource: string) =>
    patterns.some((pattern) => new RegExp(pattern).test(`/v/ps_${'a'.repeat(40)}/${resource}`));

  it('is segments of picture and sound; no text, chapters or waveform', () => {
    expect(patterns).toHaveLength(3);
    expect(isKept('hls/source-v1/1.m4s') && isKept('dash/source-a1/1.m4s')).toBe(true);
    const texts = ['text/e1.vtt', 'hls/text/e1/1.vtt', 'hls/text/e1/media.m3u8', 'chapters.vtt', 'waveform.json'];
    expect(texts.filter(isKept)).toEqual([]);
  });
});
