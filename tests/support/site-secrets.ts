import { randomBytes } from 'node:crypto';

/** What a site reads its secrets from. */
export const SECRET_NAMES = [
  'APP_KEYS',
  'API_TOKEN_SALT',
  'ADMIN_JWT_SECRET',
  'TRANSFER_TOKEN_SALT',
  'JWT_SECRET',
  'ENCRYPTION_KEY',
];

export function newSecrets(): Record<string, string> {
  return Object.fromEntries(SECRET_NAMES.map((name) => [name, randomBytes(32).toString('base64')]));
}
