import { randomBytes } from 'node:crypto';
import type { Grant, HlsEncryption } from '../../../contracts';
import type { PluginConfig } from '../../config';
import type { Keyring } from '../../tokens/keyring';
import { segmentSecretOf } from '../../tokens/session-id';
import type { Allowance } from '../entitlement/decision';
import type { Holding } from './holders';
import { clientOf, type SessionRow } from './row';

export interface GrantParts {
  config: Pick<PluginConfig, 'session' | 'hls'>;
  /** All that are accepted. */
  keyrings: readonly Keyring[];
}

function encryptionOf(row: SessionRow, { config, keyrings }: GrantParts): HlsEncryption {
  const { token_id: tokenId, salt, session_hash: hash } = row;
  const secret = segmentSecretOf(keyrings, { tokenId, salt, hash });
  // Never a grant without: its segments would be sent as they are.
  if (secret === null) throw new Error('The session began under a secret that is accepted no more.');
  return { secret, segmentsPerKey: config.hls.segmentsPerKey };
}

/** What the streamer is told about a session whose decision was just made. Throws if its id is good no more. */
export function grantFor(row: SessionRow, allowance: Allowance, parts: GrantParts): Grant {
  const { session, hls } = parts.config;
  return {
    video: row.video,
    asset: allowance.asset,
    protocols: allowance.protocols,
    download: allowance.download,
    ...(hls.encryption === 'aes-128' && { hlsEncryption: encryptionOf(row, parts) }),
    client: clientOf(row),
    ...(allowance.policy.clientBinding === 'none' && { anyClient: true }),
    generation: row.generation,
    leaseSeconds: session.leaseSeconds,
    outageGraceSeconds: session.outageGraceSeconds,
    pace: { factor: session.paceFactor, bufferSeconds: session.paceBufferSeconds },
  };
}

/** What is written down about the grant before it is given. */
export function holdingFor(
  row: SessionRow,
  holder: Pick<Holding, 'streamer' | 'generation' | 'isActive'>,
  session: PluginConfig['session'],
): Holding {
  const goodForMs = (session.leaseSeconds + session.outageGraceSeconds) * 1000;
  return { id: randomBytes(12).toString('hex'), ...holder, sessionHash: row.session_hash, goodForMs };
}
