import { type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;

export interface LoggerOptions {
  /** Which of the package's processes writes. */
  process?: 'streamer' | 'ingest';
  level: string;
  /** Strings that must never be written: storage root, cache directory, credentials. */
  secrets: readonly string[];
  /** Default: standard output. */
  destination?: { write(line: string): void };
}

// S21: nothing logs these on purpose; this is the net below messages of libraries.
const SESSION_ID = /ps_[A-Za-z0-9_-]{40}/g;
const COMPACT_JWS = /eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+/g;

function scrub(line: string, secrets: readonly string[]): string {
  let clean = line.replace(SESSION_ID, '[session]').replace(COMPACT_JWS, '[token]');
  for (const secret of secrets) clean = clean.replaceAll(secret, '[redacted]');
  return clean;
}

/** JSON lines. Whatever a caller passes in, no session id, token or listed secret leaves through it. */
export function createLogger({ process = 'streamer', level, secrets, destination }: LoggerOptions): Logger {
  const written = secrets.filter((secret) => secret.length > 1).map((secret) => JSON.stringify(secret).slice(1, -1));
  const options = {
    level,
    base: { process },
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: { streamWrite: (line: string) => scrub(line, written) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** How a session is named in logs. */
export function sessionName(hash: string): string {
  return hash.slice(0, 8);
}
