import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ingestKeysSchema, streamerKeysSchema } from '../../../../server/contracts';
import { runCli } from '../../../../server/src/cli/run-cli';
import { deriveKeyring } from '../../../../server/src/tokens/keyring';
import { keyMaterial } from '../../../../server/src/tokens/secret';

const KEYS = ['q8Vd2mPz7LrXw1Tn', 'b4Kc9sYh6GfRj3Ue'];
const PRINT = ['secret', 'print', '--role', 'streamer'];

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), 'protected-vod-cli-'));
});
afterEach(() => rm(cwd, { recursive: true }));

async function run(args: string[], env: NodeJS.ProcessEnv = {}) {
  let out = '';
  let err = '';
  const terminal = {
    env,
    cwd,
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
  };
  return { code: await runCli(args, terminal), out, err };
}

function keysOf(...[source, secrets]: Parameters<typeof keyMaterial>) {
  return deriveKeyring(keyMaterial(source, secrets)).streamerKeys();
}

describe('protected-vod secret print', () => {
  it('prints what the plugin derives from the same APP_KEYS, whether from the environment or from .env', async () => {
    const fromEnvironment = await run(PRINT, { APP_KEYS: KEYS.join(',') });
    expect(fromEnvironment).toMatchObject({ code: 0, err: '' });
    expect(streamerKeysSchema.parse(JSON.parse(fromEnvironment.out))).toEqual(keysOf('app.keys', KEYS));
    await writeFile(path.join(cwd, '.env'), `APP_KEYS="${KEYS.join(', ')}"\n`);
    expect((await run(PRINT)).out).toBe(fromEnvironment.out);
  });

  it('PROTECTED_VOD_SECRET wins over APP_KEYS, the environment over .env', async () => {
    await writeFile(path.join(cwd, '.env'), `PROTECTED_VOD_SECRET=${KEYS[0]}\nAPP_KEYS=${KEYS.join(',')}\n`);
    const env = { PROTECTED_VOD_SECRET: 'n5Wx8eQa2ZtMk7Jo' };
    const { out } = await run(PRINT, env);
    expect(JSON.parse(out)).toEqual(keysOf('PROTECTED_VOD_SECRET', [env.PROTECTED_VOD_SECRET]));
  });

  it('S1 prints for an ingest worker its own credential and nothing of the streamer’s', async () => {
    const env = { APP_KEYS: KEYS.join(',') };
    const { out } = await run(['secret', 'print', '--role', 'ingest'], env);
    const { credential } = ingestKeysSchema.strict().parse(JSON.parse(out));
    expect(credential).toBe(deriveKeyring(keyMaterial('app.keys', KEYS)).ingestCredential);
    expect((await run(PRINT, env)).out).not.toContain(credential);
  });

  it.each([
    ['no secret', {}],
    ['a template secret', { APP_KEYS: 'toBeModified1,toBeModified2' }],
    ['an empty one', { PROTECTED_VOD_SECRET: '', APP_KEYS: KEYS.join(',') }],
  ])('S2 %s fails with 1, one sentence and no key', async (_name, env) => {
    const { code, out, err } = await run(PRINT, env);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^protected-vod: .+\n$/);
  });
});

describe('protected-vod', () => {
  it.each([
    [[]],
    [['frobnicate']],
    [['secret', 'print']],
    [['secret', 'print', '--role', 'editor']],
    [['restart', 'strapi']],
    [['--wrong']],
    [['status', '--url', 'localhost']],
    [['tail', '-n', 'all']],
    [['sessions', 'end']],
  ])('%j is wrong usage: exit code 2', async (args) => {
    expect(await run(args)).toMatchObject({ code: 2, out: '' });
  });

  it.each([[['status']], [['restart']], [['tail']], [['sessions']], [['sessions', 'end', '0a1b2c3d']]])(
    '%j without a secret fails with 1 and one sentence',
    async (args) => {
      const { code, out, err } = await run(args);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(/^protected-vod: Neither PROTECTED_VOD_SECRET nor APP_KEYS is set.+\n$/);
    },
  );

  it('--version and --help exit with 0; the help of print says to keep its output to oneself', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    const help = await run([...PRINT.slice(0, 2), '--help']);
    expect(help.code).toBe(0);
    expect(help.out).toContain('0600');
  });
});

describe('protected-vod storage', () => {
  it.each([
    ['stats'],
    ['verify'],
    ['repair'],
    ['rebuild'],
    ['migrate', '--to', 'flat'],
    ['trash', 'list'],
    ['adopt', '--dry-run'],
    ['release', '--make-public', '--all'],
  ])('%s away from a Strapi app fails with 1 and says so', async (...args) => {
    const { code, out, err } = await run(['storage', ...args]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe('protected-vod: There is no Strapi app here. Run this in the directory of the app.\n');
  });

  it.each([
    ['no command', []],
    ['no strategy', ['migrate']],
    ['a strategy that is none', ['migrate', '--to', '../etc']],
    ['no id', ['where']],
    ['an age that is none', ['verify', '--min-age', '-1']],
    ['a release that does not say that it publishes', ['release', '--all']],
    ['a release of nothing', ['release', '--make-public']],
    ['a release of all and of one', ['release', '--make-public', '--all', 'k3vqx8t1m0zr5c7d2b9wynha']],
  ])('%s is wrong usage: 2', async (_name, args) => {
    expect((await run(['storage', ...args])).code).toBe(2);
  });
});

describe('protected-vod import', () => {
  it.each([
    ['no directory', []],
    ['entries of no kind', ['films', '--entries', 'all']],
    ['a folder that no Media Library could have', ['films', '--folder', '/Archive/ 2026']],
  ])('%s is wrong usage: 2', async (_name, args) => {
    expect((await run(['import', ...args])).code).toBe(2);
  });

  it('its help warns of what a link means', async () => {
    expect((await run(['import', '--help'])).out).toContain('whoever writes to yours changes the film');
  });
});
