import { z } from 'zod';
import { OPERATOR_CREDENTIAL_HEADER, PLUGIN_ID } from '../../contracts';
import { VodError } from '../errors';
import { deriveKeyring } from '../tokens/keyring';
import { readAppSecret } from './app-secret';
import { readStrapiEnvironment } from './dot-env';
import type { Terminal } from './terminal';

const TIMEOUT_MS = 10_000;
const REST_PREFIX = '/api';

type Endpoint = 'status' | 'restart' | 'log' | 'sessions' | 'end' | 'rotate-keys' | 'retry-jobs';

export interface OperatorClient {
  /**
   * Throws `VodError` `strapi-unreachable`, `operator-refused`, `not-managed`, `not-found`, `ambiguous`,
   * `overlap-refused` or `answer-invalid`, each with a sentence.
   */
  ask<T>(endpoint: Endpoint, answer: z.ZodType<T>, body?: unknown): Promise<T>;
}

const SENTENCES: Record<string, string> = {
  forbidden:
    'Strapi refuses: it has another secret, or was not asked on loopback. Run this where Strapi runs, in the directory of its app.',
  'not-managed': 'Strapi runs no streamer: streamer.mode is "external".',
  'not-found': 'No such active session.',
  'overlap-refused': 'The overlap must be at least token.lifetimeSeconds, and at most a week.',
  ambiguous: 'Several sessions begin so; give more digits.',
};

function loopbackHost(host: string): string {
  if (['', '0.0.0.0', 'localhost'].includes(host)) return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** `--url`, else what `HOST` and `PORT` of the app say. */
export function siteUrl(terminal: Terminal, url: string | undefined): URL {
  const { HOST = '', PORT } = readStrapiEnvironment(terminal);
  return new URL(url ?? `http://${loopbackHost(HOST)}:${PORT || 1337}`);
}

/** A path of the site's address stands for Strapi's REST prefix. */
function internalBase(terminal: Terminal, url: string | undefined): string {
  const base = siteUrl(terminal, url);
  const prefix = base.pathname === '/' ? REST_PREFIX : base.pathname.replace(/\/+$/, '');
  return `${base.origin}${prefix}/${PLUGIN_ID}/internal/operator`;
}

const errorSchema = z.object({ error: z.object({ code: z.string() }) });

async function read<T>(response: Response, answer: z.ZodType<T>): Promise<T> {
  const json: unknown = await response.json().catch(() => null);
  if (response.ok) {
    const parsed = answer.safeParse(json);
    if (parsed.success) return parsed.data;
  }
  const code = errorSchema.safeParse(json).data?.error.code ?? '';
  const sentence = SENTENCES[code];
  if (sentence !== undefined) throw new VodError(code === 'forbidden' ? 'operator-refused' : code, sentence);
  throw new VodError('answer-invalid', `What answers there is not this plugin (status ${response.status}).`);
}

/** Speaks to the running Strapi of the app in whose directory the command was given. Throws what `readAppSecret` throws. */
export function createOperatorClient(terminal: Terminal, url: string | undefined): OperatorClient {
  const credential = deriveKeyring(readAppSecret(terminal)).operatorCredential;
  const base = internalBase(terminal, url);
  return {
    async ask(endpoint, answer, body = {}) {
      let response: Response;
      try {
        response = await fetch(`${base}/${endpoint}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', [OPERATOR_CREDENTIAL_HEADER]: credential },
          body: JSON.stringify(body),
          redirect: 'error',
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
      } catch (cause) {
        throw new VodError('strapi-unreachable', `Strapi does not answer at ${new URL(base).origin}.`, { cause });
      }
      return read(response, answer);
    },
  };
}
