import { SECRET_NAMES, type SiteProcess, startSiteProcess } from './site-process';

const SHARED = [
  ...SECRET_NAMES,
  'DATABASE_CLIENT',
  'DATABASE_HOST',
  'DATABASE_PORT',
  'DATABASE_NAME',
  'DATABASE_USERNAME',
  'PROTECTED_VOD_TEST_CONFIG',
];

/** What every node of one site has in common, as the site that runs in this process has it. */
export function sharedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    SHARED.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** One more Strapi of the site that runs in this process: same database, same secrets, same storage root. */
export function startSecondNode(env: Record<string, string> = {}): Promise<SiteProcess> {
  return startSiteProcess({ env: { ...sharedEnvironment(), ...env } });
}
