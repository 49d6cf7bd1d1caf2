import { SECRET_NAMES, type SiteProcess, type SiteProcessOptions, startSiteProcess } from './site-process';

const SHARED = [
  ...SECRET_NAMES,
  'DATABASE_CLIENT',
  'DATABASE_FILENAME',
  'DATABASE_HOST',
  'DATABASE_PORT',
  'DATABASE_NAME',
  'DATABASE_USERNAME',
];

/** Another Strapi of the site that `startStrapiApp` has booted here: same secrets, same database; `config` is its own. */
export function startSibling(config: unknown, { env, ...options }: SiteProcessOptions = {}): Promise<SiteProcess> {
  const shared = SHARED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return startSiteProcess({
    ...options,
    env: { ...Object.fromEntries(shared), PROTECTED_VOD_TEST_CONFIG: JSON.stringify(config), ...env },
  });
}
