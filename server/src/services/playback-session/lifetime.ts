import type { PluginConfig } from '../../config';
import type { Allowance } from '../entitlement/decision';
import type { SessionRow } from './row';

/** When a session is over by itself. */
export interface Lifetime {
  /** Milliseconds since the epoch, whatever its client does (S13). */
  endsAt: number;
  /** Milliseconds of silence after which it is over; each activity begins it anew. */
  silenceMs: number;
}

/** How long a client was silent before it asked. */
export interface Silence {
  /** Milliseconds since the epoch; it was last active then or later. */
  since: number;
  /** Whole milliseconds, by the newest that any node knows. */
  ms(): Promise<number>;
}

/** Of a session that was just decided about. Without a policy: the film may be watched to its end, with pauses. */
export function lifetimeOf(
  { started_at: startedAt }: Pick<SessionRow, 'started_at'>,
  { policy, asset }: Pick<Allowance, 'policy' | 'asset'>,
  { pauseAllowanceSeconds }: Pick<PluginConfig['session'], 'pauseAllowanceSeconds'>,
): Lifetime {
  const silenceSeconds = policy.sessionLifetimeSeconds ?? asset.durationSeconds + pauseAllowanceSeconds;
  return { endsAt: startedAt + policy.sessionMaxLifetimeSeconds * 1000, silenceMs: silenceSeconds * 1000 };
}
