import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { APP_DIR } from './prepare.mjs';

const SECRETS = [
  'APP_KEYS',
  'API_TOKEN_SALT',
  'ADMIN_JWT_SECRET',
  'TRANSFER_TOKEN_SALT',
  'JWT_SECRET',
  'ENCRYPTION_KEY',
];

/**
 * Secrets and passwords of this demo, made at its first start.
 * @param {string} directory
 * @returns {{ secrets: Record<string, string>, password: string }}
 */
function credentials(directory) {
  const file = path.join(directory, 'credentials.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    const secrets = Object.fromEntries(SECRETS.map((name) => [name, randomBytes(32).toString('base64')]));
    const made = { secrets, password: `Demo-${randomBytes(9).toString('base64url')}1` };
    writeFileSync(file, JSON.stringify(made), { mode: 0o600 });
    return made;
  }
}

/** @param {number} port @returns {Promise<number>} the port if it is free, else any free one */
function freePort(port) {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', () => (port === 0 ? reject(new Error('no free port')) : resolve(freePort(0))));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : port));
    });
  });
}

/**
 * Boots the app in this process, state in `directory`.
 * @param {{ directory: string, admin: boolean }} options
 */
export async function startApp({ directory, admin }) {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { secrets, password } = credentials(directory);
  const port = await freePort(admin ? 1337 : 0);
  // What the contributor's own shell says must not lead elsewhere.
  for (const name of Object.keys(process.env)) if (/^(DATABASE|PROTECTED_VOD)_/.test(name)) delete process.env[name];
  Object.assign(process.env, secrets, {
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    HOST: '127.0.0.1',
    PORT: String(port),
    STRAPI_TELEMETRY_DISABLED: 'true',
    SERVE_ADMIN: String(admin),
    DATABASE_FILENAME: path.join(directory, 'data.db'),
    PROTECTED_VOD_TEST_CONFIG: JSON.stringify({
      storage: { root: path.join(directory, 'storage') },
      streamer: { logLevel: 'warn' },
    }),
  });
  const { createStrapi } = createRequire(import.meta.url)('@strapi/strapi');
  // The admin panel's build compiles the app beside it; without one the sources run as they are.
  const distDir = admin ? path.join(APP_DIR, 'dist') : APP_DIR;
  const strapi = await createStrapi({ appDir: APP_DIR, distDir }).start();
  return { strapi, site: `http://127.0.0.1:${port}`, password };
}
