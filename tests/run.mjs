// `npm test`: installs what is missing, builds, runs every suite, and ends with `N passed, N failed, N skipped`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildPlugin, install, ROOT } from './demo/prepare.mjs';

const requireAll = process.env.REQUIRE_ALL === '1';

install();
buildPlugin();
// It needs what was just installed.
const { answers, DATABASE_SERVERS, dropDatabases } = await import('./support/database-servers.mjs');

const directory = mkdtempSync(path.join(tmpdir(), 'protected-vod-tests-'));
let passedTests = 0;
/** @type {string[]} */
const times = [];
/** @type {string[]} */
const skipped = [];
/** @type {string[]} */
const failed = [];

/**
 * Resolves when the suite has run and been counted.
 * @param {string[]} projects
 * @param {object} [options]
 * @param {string} [options.client] database of the test sites
 * @param {'shared' | 'alone'} [options.lane] which of the end-to-end files, see `.config/lanes.ts`
 * @param {'inherit' | 'pipe'} [options.output] `pipe`: printed as a whole, because other suites run at the same time
 */
async function runSuite(projects, { client = 'sqlite', lane, output = 'inherit' } = {}) {
  const report = path.join(directory, `${projects.join('-')}-${lane ?? client}.json`);
  const started = performance.now();
  const vitest = spawn(
    path.join(ROOT, 'node_modules/.bin/vitest'),
    [
      'run',
      '--config',
      '.config/vitest.config.ts',
      '--silent=passed-only',
      '--reporter=default',
      '--reporter=./tests/support/run-report.mjs',
      ...projects.flatMap((project) => ['--project', project]),
    ],
    {
      cwd: ROOT,
      stdio: ['ignore', output, output],
      env: {
        ...process.env,
        DATABASE_CLIENT: client,
        TEST_RUN: String(process.pid),
        RUN_REPORT: report,
        ...(lane && { TEST_LANE: lane }),
      },
    },
  );
  /** @type {Buffer[]} */
  const printed = [];
  for (const stream of [vitest.stdout, vitest.stderr]) stream?.on('data', (chunk) => printed.push(chunk));
  const [status] = await once(vitest, 'close');
  if (output === 'pipe') process.stdout.write(Buffer.concat(printed));
  count(report, client, status === 0);
  const name = [...projects, lane ?? client].join(', ');
  times.push(`${name}: ${Math.round((performance.now() - started) / 1000)} s`);
}

/** @param {string} file @param {string} client @param {boolean} hasPassed whether the runner itself says so */
function count(file, client, hasPassed) {
  /** @type {import('./support/run-report.mjs').RunReport | null} A runner that died has written none. */
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
  passedTests += report?.passed ?? 0;
  skipped.push(...(report?.skipped ?? []));
  const failures = report?.failed ?? [];
  if (!hasPassed && failures.length === 0) failures.push({ file, title: 'the runner itself', reason: '' });
  for (const { file: where, title, reason } of failures) {
    failed.push(`${where} (${client}): ${title}\n  ${reason.split('\n').slice(0, 6).join('\n  ')}`);
  }
}

/** @param {'postgres' | 'mysql'} client */
async function runOnServer(client) {
  const { name, port } = DATABASE_SERVERS[client];
  if (await answers(client)) {
    console.log(`\nThe integration suite again, on ${name}.`);
    await runSuite(['integration'], { client, output: 'pipe' });
    await dropDatabases(client, `pvod_test_${process.pid}_`);
  } else console.log(`\n${name} does not answer on 127.0.0.1:${port}: nothing was tested on it.`);
}

await runSuite(['unit', 'architecture']);
await runSuite(['integration']);
// At the same time: they wait for their databases more than they compute.
await Promise.all([runOnServer('postgres'), runOnServer('mysql')]);
await runSuite(['e2e'], { lane: 'shared' });
// What measures comes last, when nothing else runs.
await runSuite(['e2e'], { lane: 'alone' });
rmSync(directory, { recursive: true, force: true });

console.log(`\nTimes:\n${times.map((time) => `- ${time}`).join('\n')}`);
if (skipped.length > 0) console.log(`\nSkipped:\n${skipped.map((name) => `- ${name}`).join('\n')}`);
if (requireAll && skipped.length > 0) console.log('REQUIRE_ALL=1: a skipped test counts as a failure of this run.');
// Last, so that the end of a long log is enough to know what broke.
if (failed.length > 0) console.log(`\nFailed:\n${failed.map((name) => `- ${name}`).join('\n')}`);
console.log(`\n${passedTests} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exit(failed.length > 0 || (requireAll && skipped.length > 0) ? 1 : 0);
