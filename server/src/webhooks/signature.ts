import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** As the specification has it. */
const MIN_BYTES = 24;
const MAX_BYTES = 64;

/** The secret as text, without what marks it as one. */
export function bareSecret(secret: string): string {
  return secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret;
}

/** Whether it is 24 to 64 bytes in base64, with or without `whsec_`. Says nothing about how random they are. */
export function isSecretForm(secret: string): boolean {
  const bare = bareSecret(secret);
  const bytes = Buffer.from(bare, 'base64');
  // Buffer reads on past what is no base64.
  const isWhole = BASE64.test(bare) && bytes.toString('base64').replace(/=+$/, '') === bare.replace(/=+$/, '');
  return isWhole && bytes.length >= MIN_BYTES && bytes.length <= MAX_BYTES;
}

/** Standard Webhooks 1.0: HMAC-SHA256 over id, time of the attempt (whole seconds) and body, as they are sent. */
export function signedHeaders(id: string, timestamp: number, body: string, secret: string): Record<string, string> {
  const key = Buffer.from(bareSecret(secret), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${signature}` };
}
