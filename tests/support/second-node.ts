import { afterAll, beforeAll, describe } from 'vitest';
import { type SiteProcess, startSiteProcess } from './site-process';
import { SECRET_NAMES } from './site-secrets';
import { requestedServer } from './test-database';

const SHARED = [
  ...SECRET_NAMES,
  'DATABASE_CLIENT',
  'DATABASE_FILENAME',
  'DATABASE_HOST',
  'DATABASE_PORT',
  'DATABASE_NAME',
  'DATABASE_USERNAME',
  'PROTECTED_VOD_TEST_CONFIG',
];

/** One more Strapi of the site that runs in this process: same secrets, same database and, unless `env` says else, same configuration. */
export function startSecondNode(env: NodeJS.ProcessEnv = {}): Promise<SiteProcess> {
  const shared = Object.fromEntries(SHARED.map((name) => [name, process.env[name]]));
  return startSiteProcess({ env: { ...shared, ...env } });
}

/** The same with a configuration of its own. */
export function startSibling(config: unknown, env: NodeJS.ProcessEnv = {}): Promise<SiteProcess> {
  return startSecondNode({ PROTECTED_VOD_TEST_CONFIG: JSON.stringify(config), ...env });
}

/** Tests of two nodes on one database server; on SQLite, which has no second process, there are none. `node` is the second; `env` is asked for once the first runs. */
export function describeTwoNodes(
  title: string,
  tests: (node: { url: string }) => void,
  env: () => NodeJS.ProcessEnv = () => ({}),
): void {
  if (requestedServer() === null) return;
  describe(title, () => {
    const node = { url: '' };
    let second: SiteProcess;

    beforeAll(async () => {
      second = await startSecondNode(env());
      node.url = await second.listening();
    });
    afterAll(() => second.dispose());

    tests(node);
  });
}
