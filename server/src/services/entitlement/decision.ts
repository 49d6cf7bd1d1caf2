import type { DenyReason, GrantedAsset, Protocol, PublicRefusal } from '../../../contracts';
import type { Origin } from '../../tokens/playback-token';
import type { EffectivePolicy } from '../role-policies/effective-policy';
import type { Concurrency } from './concurrency';
import type { ViewAllowance } from './view-allowance';

/** May this caller play this entry now? */
export interface Question {
  origin: Origin;
  /** `documentId` of the entry. */
  video: string;
  /** Null: the site's default locale. */
  locale: string | null;
  /** The asset that a running session plays: it finishes on that one when the entry got another source meanwhile. */
  asset?: string;
}

export interface Allowance {
  allow: true;
  /** Role type of the caller; null for callers without one. */
  role: string | null;
  /** Locale of the entry that was found. */
  locale: string | null;
  asset: GrantedAsset;
  protocols: Protocol[];
  download: boolean;
  /** What holds for this caller; what it takes from the entry is taken already. */
  policy: EffectivePolicy;
  /** Counts where a session begins; null: no limit. */
  concurrency: Concurrency | null;
  /** Likewise. */
  views: ViewAllowance | null;
  /** When the answer will change by itself (milliseconds since the epoch); null: it will not. */
  validUntil: number | null;
  posterUrl: string | null;
}

/** A rule that said no, and in which words of its own. */
export interface RuleDenial {
  name: string;
  reason?: string;
}

export interface Denial {
  allow: false;
  /** For the log and the audit. */
  reason: DenyReason;
  /** For the caller. */
  refusal: PublicRefusal;
  /** Which rule said so, where it was one. For the audit. */
  rule?: RuleDenial;
  /** Which film cannot be delivered, where it is that. Likewise. */
  asset?: string;
}

export type Decision = Allowance | Denial;

export function deny(reason: DenyReason, refusal: PublicRefusal): Denial {
  return { allow: false, reason, refusal };
}
