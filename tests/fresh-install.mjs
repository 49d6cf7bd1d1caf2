// Packs the plugin, installs the tarball into a fresh Strapi TypeScript app without any configuration, builds its admin,
// plays the real clip to its end, and uninstalls it as the README says. Argument: a tarball that was packed already.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { countVideoFrames } from './clients/frames.mjs';
import { playHls } from './clients/hls.mjs';
import { mint } from './clients/site.mjs';
import { buildPlugin, ROOT } from './demo/prepare.mjs';
import { CLIP } from './demo/seed.mjs';

// It has no types of its own.
const Database = createRequire(import.meta.url)('better-sqlite3');
const STRAPI = '5.54.0';
const PASSWORD = `Fresh-${randomBytes(9).toString('base64url')}1`;
const VIDEO = '/content-manager/collection-types/plugin::protected-vod.video';
const PORT = 20_000 + Math.floor(Math.random() * 20_000);
const SITE = `http://127.0.0.1:${PORT}`;

const directory = mkdtempSync(path.join(tmpdir(), 'protected-vod-fresh-'));
const app = path.join(directory, 'site');

/** @param {string} what @param {string} command @param {string[]} args @param {string} cwd */
function step(what, command, args, cwd) {
  const started = Date.now();
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, STRAPI_TELEMETRY_DISABLED: 'true', NODE_ENV: 'development' },
  });
  if (status !== 0) throw new Error(`${what} failed:\n${stdout}\n${stderr}`);
  console.log(`ok  ${what} (${Math.round((Date.now() - started) / 1000)} s)`);
  return stdout;
}

/** @returns {string} path of the tarball */
function pack() {
  buildPlugin();
  const packed = step('npm pack', 'npm', ['pack', '--pack-destination', directory], ROOT).trim().split('\n').at(-1);
  return path.join(directory, String(packed));
}

function makeSite() {
  const tarball = process.argv[2] ? path.resolve(process.argv[2]) : pack();
  const options = ['--typescript', '--no-run', '--skip-cloud', '--dbclient', 'sqlite', '--dbfile', '.tmp/data.db'];
  const create = [
    '--yes',
    `create-strapi-app@${STRAPI}`,
    'site',
    ...options,
    '--no-git-init',
    '--no-example',
    '--use-npm',
    '--install',
  ];
  step(`create-strapi-app ${STRAPI}`, 'npx', create, directory);
  step('npm install of the tarball', 'npm', ['install', '--no-audit', '--no-fund', tarball], app);
  step('admin build', 'npm', ['run', 'build'], app);
}

/** @param {import('node:child_process').ChildProcess} strapi */
async function untilUp(strapi) {
  for (let tries = 0; tries < 240; tries += 1) {
    if (strapi.exitCode !== null || strapi.signalCode !== null) throw new Error('Strapi ended');
    const response = await fetch(`${SITE}/_health`).catch(() => null);
    if (response?.status === 204) return;
    await sleep(500);
  }
  throw new Error('Strapi did not come up');
}

/** @param {string} url @param {string | null} token @param {any} body @param {string} [method] @returns {Promise<any>} */
async function call(url, token, body, method = 'POST') {
  const isForm = body instanceof FormData;
  const response = await fetch(`${SITE}${url}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(!isForm && { 'content-type': 'application/json' }),
    },
    body: isForm ? body : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Ticks the playback permission of the Authenticated role, as an administrator does. @param {string} admin */
async function tickPermission(admin) {
  const list = await fetch(`${SITE}/users-permissions/roles`, { headers: { authorization: `Bearer ${admin}` } });
  const { id } = (await list.json()).roles.find((/** @type {any} */ role) => role.type === 'authenticated');
  const one = await fetch(`${SITE}/users-permissions/roles/${id}`, { headers: { authorization: `Bearer ${admin}` } });
  const { role } = await one.json();
  role.permissions['plugin::protected-vod'].controllers.playback.create.enabled = true;
  await call(`/users-permissions/roles/${id}`, admin, role, 'PUT');
}

async function playFilm() {
  const person = { email: 'admin@example.test', password: PASSWORD, firstname: 'A', lastname: 'B' };
  const admin = (await call('/admin/register-admin', null, person)).data.token;
  await tickPermission(admin);
  const form = new FormData();
  form.append('files', new Blob([readFileSync(CLIP)], { type: 'video/mp4' }), 'film.mp4');
  const [file] = await call('/upload', admin, form);
  const { data } = await call(VIDEO, admin, { title: 'A film', source: file.id });
  await call(`${VIDEO}/${data.documentId}/actions/publish`, admin, { title: 'A film', source: file.id });
  const registration = { username: 'viewer', email: 'viewer@example.test', password: PASSWORD };
  const { jwt } = await call('/api/auth/local/register', null, registration);
  const { body } = await mint(SITE, data.documentId, jwt);
  const counts = await Promise.all((await playHls(body.data.urls.hls)).map(({ bytes }) => countVideoFrames(bytes)));
  const expected = await countVideoFrames(readFileSync(CLIP));
  if (Math.max(...counts) !== expected) throw new Error(`${Math.max(...counts)} of ${expected} frames`);
  console.log(`ok  a film plays: ${expected} of ${expected} video frames over HLS, with no configuration`);
}

async function checkHeaders() {
  const response = await fetch(`${SITE}/admin`);
  const policy = response.headers.get('content-security-policy') ?? '';
  for (const part of ["media-src 'self' data: blob:", "connect-src 'self' https:"]) {
    if (!policy.includes(part)) throw new Error(`Strapi's own CSP was changed: ${policy}`);
  }
  console.log("ok  Strapi's default CSP is untouched");
  const page = await response.text();
  if (response.status !== 200 || !page.includes('<div id="strapi"')) throw new Error('the admin page is not served');
  console.log('ok  the admin panel is served');
}

/** Runs Strapi while `action` does, and tells what it printed where that fails. @param {() => Promise<void>} action */
async function whileRunning(action) {
  const strapi = spawn(path.join(app, 'node_modules/.bin/strapi'), ['start'], {
    cwd: app,
    env: {
      ...process.env,
      // In production Users & Permissions answers a sign-in with a secure cookie, which plain HTTP cannot carry.
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      PORT: String(PORT),
      STRAPI_TELEMETRY_DISABLED: 'true',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [strapi.stdout, strapi.stderr]) stream.on('data', (chunk) => (log += chunk));
  try {
    await untilUp(strapi);
    await action();
  } catch (error) {
    console.error(log.slice(-4000));
    throw error;
  } finally {
    strapi.kill('SIGTERM');
    if (strapi.exitCode === null && strapi.signalCode === null) await once(strapi, 'exit');
  }
}

/** @returns {string[]} */
function publicFilms() {
  const uploads = path.join(app, 'public/uploads');
  return existsSync(uploads) ? readdirSync(uploads).filter((name) => name.endsWith('.mp4')) : [];
}

function uninstall() {
  const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const block = /^```sh\n(# uninstall:[\s\S]*?)^```$/m.exec(readme)?.[1];
  if (!block) throw new Error('the README does not say how to uninstall');
  step('uninstallation, as the README says', '/bin/sh', ['-e', '-c', block], app);
}

/** @returns {unknown[]} */
function pluginTables() {
  const database = new Database(path.join(app, '.tmp/data.db'), { readonly: true });
  const tables = database.prepare("select name from sqlite_master where name like '%protected_vod_%'").pluck().all();
  database.close();
  return tables;
}

async function checkWithoutPlugin() {
  const left = pluginTables();
  if (left.length > 0) throw new Error(`tables of the plugin are left: ${left.join(', ')}`);
  const [film] = publicFilms();
  const response = await fetch(`${SITE}/uploads/${film}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!bytes.equals(readFileSync(CLIP))) throw new Error(`the film that was released answers ${response.status}`);
  if ((await fetch(`${SITE}/api/protected-vod/videos`)).status !== 404) throw new Error('the plugin is still there');
  const page = await fetch(`${SITE}/admin`);
  if (page.status !== 200) throw new Error('the admin page is not served');
  console.log('ok  without the plugin the film is in the Media Library again, and the admin panel is served');
}

async function main() {
  makeSite();
  await whileRunning(async () => {
    await checkHeaders();
    await playFilm();
    if (publicFilms().length > 0) throw new Error('a film lies in the public folder');
    if (!pluginTables().includes('protected_vod_assets')) throw new Error('the plugin keeps its films in no table');
  });
  uninstall();
  await whileRunning(checkWithoutPlugin);
}

try {
  await main();
  console.log('1 passed, 0 failed');
} catch (error) {
  console.error(error);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
