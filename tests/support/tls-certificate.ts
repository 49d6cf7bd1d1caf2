import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface TlsCertificate {
  certificateFile: string;
  keyFile: string;
  /** Both in one file, as HAProxy wants them. */
  bundleFile: string;
  /** PEM, to trust it by. */
  pem: string;
}

/** A self-signed certificate for `name`, good for a day. */
export function makeCertificate(directory: string, name: string): TlsCertificate {
  const [certificateFile, keyFile, bundleFile] = ['fullchain.pem', 'privkey.pem', 'bundle.pem'].map((file) =>
    path.join(directory, file),
  ) as [string, string, string];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  execFileSync('openssl', ['req', '-x509', '-days', '1', ...key, ...subject, '-out', certificateFile], {
    stdio: 'ignore',
  });
  const pem = readFileSync(certificateFile, 'utf8');
  writeFileSync(bundleFile, pem + readFileSync(keyFile, 'utf8'), { mode: 0o600 });
  return { certificateFile, keyFile, bundleFile, pem };
}
