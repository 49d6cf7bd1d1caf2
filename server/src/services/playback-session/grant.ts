import type { Grant } from '../../../contracts';
import type { PluginConfig } from '../../config';
import type { Allowance } from '../entitlement/decision';
import { clientOf, type SessionRow } from './row';

/** What the streamer is told about a session whose decision was just made. */
export function grantFor(row: SessionRow, allowance: Allowance, session: PluginConfig['session']): Grant {
  return {
    video: row.video,
    asset: allowance.asset,
    protocols: allowance.protocols,
    download: allowance.download,
    client: clientOf(row),
    generation: row.generation,
    leaseSeconds: session.leaseSeconds,
    outageGraceSeconds: session.outageGraceSeconds,
    pace: { factor: session.paceFactor, bufferSeconds: session.paceBufferSeconds },
  };
}
