import { randomBytes } from 'node:crypto';
import type { Grant } from '../../../contracts';
import type { PluginConfig } from '../../config';
import type { Allowance } from '../entitlement/decision';
import type { Holding } from './holders';
import { clientOf, type SessionRow } from './row';

/** What the streamer is told about a session whose decision was just made. */
export function grantFor(row: SessionRow, allowance: Allowance, session: PluginConfig['session']): Grant {
  return {
    video: row.video,
    asset: allowance.asset,
    protocols: allowance.protocols,
    download: allowance.download,
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
