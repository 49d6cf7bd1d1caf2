import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import type { RtmpSettings } from '../../../server/contracts';
import { StreamError } from '../errors';

const TLS_HANDSHAKE_MS = 10_000;

function readPem(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new StreamError('settings-invalid', `The ${what} of RTMPS cannot be read.`, { cause });
  }
}

/** It is handed its connections. Throws StreamError `settings-invalid` where the files cannot be used. */
export function createTlsServer({ keyFile, certificateFile }: NonNullable<RtmpSettings['tls']>): tls.Server {
  const key = readPem(keyFile, 'private key');
  const cert = readPem(certificateFile, 'certificate');
  try {
    return tls.createServer({ key, cert, handshakeTimeout: TLS_HANDSHAKE_MS });
  } catch (cause) {
    throw new StreamError('settings-invalid', 'Private key and certificate of RTMPS do not work together.', { cause });
  }
}
