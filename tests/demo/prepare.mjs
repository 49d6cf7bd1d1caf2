import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const APP_DIR = path.join(ROOT, 'tests/app');

/**
 * Runs a command of the project and passes its output on; ends this process where it fails.
 * @param {string} what @param {string} command @param {string[]} args @param {{ cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean }} [options]
 */
function run(what, command, args, { cwd = ROOT, env = process.env, quiet = false } = {}) {
  console.log(`> ${what}`);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return;
  if (quiet) console.error(`${stdout}\n${stderr}`);
  console.error(`${what} failed${error ? `: ${error.message}` : ''}.`);
  process.exit(1);
}

const bin = (/** @type {string} */ name) => path.join(ROOT, 'node_modules/.bin', name);

/** @param {string} file @returns {any} */
const readJson = (file) => JSON.parse(readFileSync(path.join(ROOT, file), 'utf8'));

/** Whether every direct dependency lies in `node_modules` in the version that the lock file names. */
function isInstalled() {
  // npm writes this file last; without it an install was interrupted.
  if (!existsSync(path.join(ROOT, 'node_modules/.package-lock.json'))) return false;
  const { packages } = readJson('package-lock.json');
  const { dependencies, devDependencies } = packages[''];
  return Object.keys({ ...dependencies, ...devDependencies }).every((name) => {
    const manifest = `node_modules/${name}/package.json`;
    return (
      existsSync(path.join(ROOT, manifest)) && readJson(manifest).version === packages[`node_modules/${name}`].version
    );
  });
}

/** Installs the packages where one is missing or of another version than the lock file's. */
export function install() {
  if (isInstalled()) return;
  run('Installing packages (some minutes)', 'npm', ['ci', '--no-audit', '--no-fund']);
}

/** Builds the plugin; under a minute, so always. */
export function buildPlugin() {
  run('Building the plugin', bin('strapi-plugin'), ['build', '--silent'], { quiet: true });
}

/** Builds the admin panel of the demo app where it was not built yet from this plugin and these packages. */
export function buildAdmin() {
  const stamp = path.join(APP_DIR, '.cache/admin-built-from');
  const hash = createHash('sha256');
  for (const file of ['dist/admin/index.mjs', 'package-lock.json']) hash.update(readFileSync(path.join(ROOT, file)));
  // The build compiles the app's own files too.
  for (const folder of ['config', 'src']) {
    const entries = readdirSync(path.join(APP_DIR, folder), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
    for (const file of files.toSorted()) hash.update(readFileSync(file));
  }
  const builtFrom = hash.digest('hex');
  const isCurrent = existsSync(path.join(APP_DIR, 'dist/build/index.html')) && existsSync(stamp);
  if (isCurrent && readFileSync(stamp, 'utf8') === builtFrom) return;
  run('Building the admin panel (about a minute)', bin('strapi'), ['build'], { cwd: APP_DIR, quiet: true });
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, builtFrom);
}
