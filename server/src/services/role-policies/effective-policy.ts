import {
  type ClientBinding,
  PROTOCOLS,
  type Protocol,
  type RolePolicies,
  type RolePolicy,
  type UnnamedPolicy,
  type ViewLimit,
} from '../../../contracts';
import type { PluginConfig } from '../../config';
import type { Origin } from '../../tokens/playback-token';

/** What holds for one caller: every key is decided. */
export interface EffectivePolicy {
  tokenLifetimeSeconds: number;
  /** Of silence; null: the film's length and the pause allowance. */
  sessionLifetimeSeconds: number | null;
  sessionMaxLifetimeSeconds: number;
  maxConcurrent: number | null;
  atLimit: PluginConfig['session']['atLimit'];
  views: ViewLimit | null;
  protocols: Protocol[];
  maxHeight: number | null;
  download: boolean;
  clientBinding: ClientBinding;
}

type Site = Pick<PluginConfig, 'session' | 'token'>;

/** The loosest first. */
const BINDINGS: ClientBinding[] = ['none', 'hand-over', 'address-prefix'];

/** What holds without any policy. */
export function sitePolicy({ session, token }: Site): EffectivePolicy {
  return {
    tokenLifetimeSeconds: token.lifetimeSeconds,
    sessionLifetimeSeconds: null,
    sessionMaxLifetimeSeconds: session.maxLifetimeSeconds,
    maxConcurrent: session.maxConcurrent,
    atLimit: session.atLimit,
    views: null,
    protocols: [...PROTOCOLS],
    maxHeight: null,
    download: true,
    clientBinding: 'hand-over',
  };
}

/** A policy decides what it names, looser or stricter; the site's absolute end of sessions stands above it (S13). */
function override(base: EffectivePolicy, policy: RolePolicy): EffectivePolicy {
  const named = { ...base, ...policy };
  const end = Math.min(base.sessionMaxLifetimeSeconds, named.sessionMaxLifetimeSeconds);
  return { ...named, sessionMaxLifetimeSeconds: end };
}

function lower(one: number | null, other: number | null | undefined): number | null {
  return one === null || other == null ? (one ?? other ?? null) : Math.min(one, other);
}

function stricter(one: ClientBinding, other: ClientBinding = 'none'): ClientBinding {
  return BINDINGS.indexOf(one) > BINDINGS.indexOf(other) ? one : other;
}

/** Two policies at once: of each key the stricter. */
function restrict(base: EffectivePolicy, policy: UnnamedPolicy): EffectivePolicy {
  const { tokenLifetimeSeconds, sessionMaxLifetimeSeconds } = base;
  return {
    ...base,
    tokenLifetimeSeconds: Math.min(tokenLifetimeSeconds, policy.tokenLifetimeSeconds ?? tokenLifetimeSeconds),
    sessionLifetimeSeconds: lower(base.sessionLifetimeSeconds, policy.sessionLifetimeSeconds),
    sessionMaxLifetimeSeconds: Math.min(
      sessionMaxLifetimeSeconds,
      policy.sessionMaxLifetimeSeconds ?? sessionMaxLifetimeSeconds,
    ),
    protocols: base.protocols.filter((protocol) => policy.protocols?.includes(protocol) ?? true),
    maxHeight: lower(base.maxHeight, policy.maxHeight),
    download: base.download && (policy.download ?? true),
    clientBinding: stricter(base.clientBinding, policy.clientBinding),
  };
}

/**
 * What holds for a caller. A visitor or user: the policy of the role, over the site's defaults; a signed-in user gets
 * nothing of the public role's. An API token for itself: the policy of API tokens, over the site's defaults. A token in
 * the name of a user, of this site or elsewhere: what holds for the user, restricted by the policy of API tokens. No
 * protocol may be left.
 */
export function effectivePolicy(
  site: Site,
  { roles, apiTokens = {} }: RolePolicies,
  origin: Origin,
  role: string | null,
): EffectivePolicy {
  const base = sitePolicy(site);
  if (origin.kind === 'api-token') return override(base, apiTokens);
  const ofRole = role !== null && Object.hasOwn(roles, role) ? roles[role] : undefined;
  const own = override(base, ofRole ?? {});
  return 'apiToken' in origin && origin.apiToken !== undefined ? restrict(own, apiTokens) : own;
}
