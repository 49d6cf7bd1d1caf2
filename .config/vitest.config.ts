import { defineConfig } from 'vitest/config';
import { ALONE, SQLITE_ONLY } from './lanes';

const fileIn = (folder: string) => (name: string) => `tests/${folder}/${name}.test.ts`;
const e2eAlone = ALONE.map(fileIn('e2e'));
const integrationOnSqlite = Object.keys(SQLITE_ONLY).map(fileIn('integration'));

/** Set by `tests/run.mjs`; without it all files are there, and run one after another. */
const lane = process.env.TEST_LANE;
const isOnServer = (process.env.DATABASE_CLIENT ?? 'sqlite') !== 'sqlite';

/** Files at once that wait for clocks, sockets and other processes more than they compute: more than there are cores. */
const WAITING = 3;

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['tests/unit/**/*.test.ts'], testTimeout: 30_000, maxWorkers: WAITING },
      },
      {
        extends: true,
        test: {
          name: 'architecture',
          include: ['tests/architecture/**/*.test.ts'],
          testTimeout: 30_000,
          maxWorkers: WAITING,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.ts'],
          exclude: isOnServer ? integrationOnSqlite : [],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // On a server two databases are tested at once instead.
          maxWorkers: isOnServer ? 1 : 2,
          pool: 'forks',
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: lane === 'alone' ? e2eAlone : ['tests/e2e/**/*.test.ts'],
          exclude: lane === 'shared' ? e2eAlone : [],
          // Of tests that say they may run at once.
          maxConcurrency: 8,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          ...(lane === 'shared' ? { maxWorkers: 2 } : { fileParallelism: false }),
          pool: 'forks',
        },
      },
      {
        extends: true,
        test: {
          name: 'bench',
          include: ['tests/bench/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          pool: 'forks',
        },
      },
    ],
  },
});
