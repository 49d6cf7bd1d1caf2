import { createHash } from 'node:crypto';
import { VodError } from '../errors';

/** In the order in which they are offered; tus 1.0.0, checksum extension: SHA-1 must be among them. */
export const CHECKSUM_ALGORITHMS = ['sha1', 'sha256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** What a client says of the piece that it sends. */
export interface UploadChecksum {
  algorithm: ChecksumAlgorithm;
  digest: Buffer;
}

const isKnown = (name: string): name is ChecksumAlgorithm => CHECKSUM_ALGORITHMS.some((known) => known === name);

/**
 * Parses `Upload-Checksum` (tus 1.0.0: algorithm, one space, Base64). Throws `VodError` `upload-checksum-invalid` for an
 * algorithm that is not supported and for what is no digest of it.
 */
export function parseUploadChecksum(header: string): UploadChecksum {
  const [, algorithm = '', base64 = ''] = /^([a-z0-9]+) ([A-Za-z0-9+/]+={0,2})$/.exec(header) ?? [];
  if (!isKnown(algorithm)) {
    const known = CHECKSUM_ALGORITHMS.join(' and ');
    throw new VodError('upload-checksum-invalid', `Upload-Checksum is not one that is supported: ${known} are.`);
  }
  const digest = Buffer.from(base64, 'base64');
  if (digest.byteLength !== createHash(algorithm).digest().byteLength) {
    throw new VodError('upload-checksum-invalid', `Upload-Checksum is no ${algorithm} in Base64.`);
  }
  return { algorithm, digest };
}
