import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clip } from '../support/clips';
import { answers } from '../support/database-servers.mjs';
import { PaddedFilm } from '../support/padded-film';
import { readmeShell, runShell, type ShellPlace } from '../support/readme-shell';
import { type SiteProcess, startSiteProcess } from '../support/site-process';
import { newSecrets } from '../support/site-secrets';
import { createTestDatabase } from '../support/test-database';
import { MARIADB_DUMP, PG_DUMP, RSYNC, SQLITE } from '../support/tools';

const APP_DIR = path.resolve(import.meta.dirname, '../app');
const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');
const ACCOUNT = { email: 'editor@example.test', password: 'Editor-of-films-1', firstname: 'E', lastname: 'F' };
const FILMS = 4;

let app: string;
let films: string;
let place: ShellPlace;
let site: SiteProcess | undefined;

const shell = (script: string) => runShell(script, place);

/** An app of its own, as a site has it, with the built plugin in it. */
async function makeApp(): Promise<void> {
  app = await mkdtemp(path.join(tmpdir(), 'protected-vod-guides-'));
  // Strapi finds extensions by a pattern, which follows no links.
  await cp(path.join(APP_DIR, 'src'), path.join(app, 'src'), { recursive: true });
  for (const name of ['config', 'database', 'favicon.png', 'package.json']) {
    await symlink(path.join(APP_DIR, name), path.join(app, name));
  }
  await symlink(path.resolve(APP_DIR, '../../node_modules'), path.join(app, 'node_modules'));
  await mkdir(path.join(app, 'public/uploads'), { recursive: true });
  await mkdir(path.join(app, '.tmp'));
  const env = {
    ...newSecrets(),
    NODE_ENV: 'test',
    STRAPI_TELEMETRY_DISABLED: 'true',
    SITE_APP_DIR: app,
    DATABASE_CLIENT: 'sqlite',
    DATABASE_FILENAME: path.join(app, '.tmp/data.db'),
    PROTECTED_VOD_TEST_CONFIG: JSON.stringify({ streamer: { mode: 'external' } }),
  };
  place = { cwd: app, env: { ...process.env, ...env } };
}

async function startSite(config: object = {}): Promise<string> {
  const PROTECTED_VOD_TEST_CONFIG = JSON.stringify({ streamer: { mode: 'external' }, ...config });
  site = await startSiteProcess({ env: { ...(place.env as Record<string, string>), PROTECTED_VOD_TEST_CONFIG } });
  return site.listening();
}

async function stopSite(): Promise<void> {
  await site?.dispose();
  site = undefined;
}

/** A film as the Media Library kept it when it was public. */
async function uploadPublicFilm(url: string): Promise<string> {
  const post = async (route: string, body: object | FormData, token = '') => {
    const isForm = body instanceof FormData;
    const response = await fetch(url + route, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, ...(!isForm && { 'content-type': 'application/json' }) },
      body: isForm ? body : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${route} answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  const { token } = ((await post('/admin/register-admin', ACCOUNT)) as { data: { token: string } }).data;
  const folder = (await post('/upload/folders', { name: 'Promo', parent: null }, token)) as { data: { id: number } };
  const form = new FormData();
  form.set('files', new Blob([new Uint8Array(clip())], { type: 'video/mp4' }), 'promo.mp4');
  form.set('fileInfo', JSON.stringify({ name: 'promo.mp4', folder: folder.data.id }));
  const [file] = (await post('/upload', form, token)) as { url: string }[];
  return file?.url ?? '';
}

beforeAll(async () => {
  await makeApp();
  films = await mkdtemp(path.join(tmpdir(), 'protected-vod-films-'));
  for (let number = 1; number <= FILMS; number += 1) {
    const film = new PaddedFilm(24_000_000 + number);
    await writeFile(path.join(films, `film ${number}.mp4`), Buffer.concat([...film.piecesFrom(0)].map((p) => p)));
  }
});
afterAll(async () => {
  await stopSite();
  await rm(app, { recursive: true });
  await rm(films, { recursive: true });
});

describe.skipIf(!SQLITE || !RSYNC)('README, from the first film in to the last one out (sqlite3, rsync)', () => {
  let url: string;
  let publicUrl: string;

  const importing = () =>
    readmeShell('# films that lie in a directory of this machine').replaceAll('/srv/old-films', films);
  const filmRows = () =>
    shell('sqlite3 .tmp/data.db "select document_id, storage_key, content_version, state from protected_vod_assets"');

  it('import is killed, and the same command ends it', async () => {
    url = await startSite({ storage: { publicFolders: ['/Promo'] } });
    publicUrl = await uploadPublicFilm(url);
    const killed = spawn(process.execPath, [CLI, 'import', films, '--folder', '/Archive'], place);
    killed.stdout.once('data', () => killed.kill('SIGKILL'));
    expect(await once(killed, 'close')).toEqual([null, 'SIGKILL']);

    const { code, out, err } = await shell(importing());
    expect(code, out + err).toBe(0);
    const [, imported = '', known = ''] =
      /^(\d) imported, (\d) known, 0 skipped, 0 refused, 0 failed$/m.exec(out) ?? [];
    expect([Number(known) > 0, Number(imported) + Number(known)]).toEqual([true, FILMS]);
  });

  it('adopt takes the film that was public out of the public folder, while Strapi runs', async () => {
    expect((await fetch(url + publicUrl, { method: 'HEAD' })).status).toBe(200);
    const { code, out, err } = await shell(readmeShell('# films of the Media Library that are still public'));
    expect(code, out + err).toBe(0);
    expect(out).toMatch(/^would adopt promo\.mp4[\s\S]*^adopted {5}promo\.mp4/m);
    expect((await fetch(url + publicUrl, { method: 'HEAD' })).status).toBe(404);
  });

  it('a backup that is taken while Strapi runs brings everything back', async () => {
    const backup = await shell(readmeShell('# back up'));
    expect(backup.code, backup.err).toBe(0);
    const before = await filmRows();
    expect(before.out.trim().split('\n'), before.err).toHaveLength(FILMS + 1);
    await stopSite();
    for (const name of ['.tmp', '.protected-vod']) await rm(path.join(app, name), { recursive: true });

    const restored = await shell(readmeShell('# restore, while Strapi is stopped'));
    // The import that was killed may have left a file without a row, which `repair` puts aside.
    expect(restored.code, restored.out + restored.err).toBe(0);
    expect(restored.out).toMatch(/^(clean|\d mended, 0 left)$/m);
    expect(await filmRows()).toEqual(before);
    url = await startSite();
  });

  it('release gives all films back to the Media Library, and the storage is empty', async () => {
    const { code, out, err } = await shell(
      readmeShell('# uninstall: the films first, while the plugin still knows them', /^npm /),
    );
    expect(code, out + err).toBe(0);
    expect(out).toMatch(/^5 would be released, 0 failed$[\s\S]*^5 released, 0 failed$/m);
    expect((await fetch(url + publicUrl, { method: 'HEAD' })).status).toBe(200);
    expect(await readdir(path.join(app, '.protected-vod/library'))).toEqual([]);
    expect((await readdir(path.join(app, 'public/uploads'))).length).toBe(FILMS + 1);
  });
});

// As with the integration suite: a server that does not answer is not tested.
const hasPostgres = PG_DUMP !== null && (await answers('postgres'));
const hasMariadb = MARIADB_DUMP !== null && (await answers('mysql'));

describe.runIf(hasPostgres || hasMariadb)('README, the databases’ own tools', () => {
  it.runIf(hasPostgres)('PostgreSQL', async () => {
    const { env, drop } = await createTestDatabase('postgres');
    const { DATABASE_USERNAME: user, DATABASE_HOST: host, DATABASE_PORT: port, DATABASE_NAME: name } = env;
    const DATABASE_URL = `postgres://${user}@${host}:${port}/${name}`;
    const psql = (sql: string) => `psql --quiet --tuples-only --no-align "$DATABASE_URL" -c "${sql}"`;
    const [, dump = '', restore = ''] = readmeShell('# PostgreSQL').split('\n');
    await mkdir(path.join(app, 'backup'), { recursive: true });
    const script = [psql('create table film (name text)'), psql("insert into film values ('kept')"), dump];
    script.push(psql('delete from film'), restore, psql('select name from film'));
    const result = await runShell(script.join('\n'), { cwd: app, env: { ...process.env, DATABASE_URL } });
    await drop();
    expect([result.code, result.out], result.err).toEqual([0, 'kept\n']);
  });

  it.runIf(hasMariadb)('MariaDB', async () => {
    const { env, drop } = await createTestDatabase('mysql');
    const sql = (text: string) =>
      `mariadb -N --host="$DATABASE_HOST" --user="$DATABASE_USERNAME" "$DATABASE_NAME" -e "${text}"`;
    const [, dump = '', restore = ''] = readmeShell('# MariaDB').split('\n');
    await mkdir(path.join(app, 'backup'), { recursive: true });
    const script = [sql('create table film (name text)'), sql("insert into film values ('kept')"), dump];
    script.push(sql('delete from film'), restore, sql('select name from film'));
    const result = await runShell(script.join('\n'), { cwd: app, env: { ...process.env, ...env } });
    await drop();
    expect([result.code, result.out], result.err).toEqual([0, 'kept\n']);
  });
});
