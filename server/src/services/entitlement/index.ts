import type { Core } from '@strapi/strapi';
import type { GrantedAsset, RolePolicies } from '../../../contracts';
import { configOf, type PluginConfig } from '../../config';
import { once } from '../batch';
import { getService } from '../get-service';
import { effectivePolicy } from '../role-policies/effective-policy';
import { type Caller, createCallers } from './caller';
import { concurrencyFor } from './concurrency';
import { type Decision, type Denial, deny, type Question } from './decision';
import { assetIdOf, createPublishedVideos, type PublishedVideo } from './published-video';
import { belowCeiling } from './quality-ceiling';
import { createRules, type EntitlementRules, type Rules } from './rules';
import { viewAllowanceFor } from './view-allowance';

/** What one deliberation knows and reads, each thing once, and together what is asked for together. */
export interface Reads {
  site: PluginConfig;
  caller(question: Question): Promise<Caller | Denial>;
  video(question: Question): Promise<PublishedVideo | null>;
  ruleDenial: ReturnType<Rules['deliberation']>;
  asset(id: string): Promise<GrantedAsset | null>;
  policies(): Promise<RolePolicies>;
}

function windowDenial(video: PublishedVideo, now: number): Denial | null {
  if (video.availableFrom && video.availableFrom.getTime() > now) return deny('window-not-open', 'not-available-yet');
  if (video.availableUntil && video.availableUntil.getTime() <= now) return deny('window-closed', 'not-entitled');
  return null;
}

function roleDenial(video: PublishedVideo, caller: Caller): Denial | null {
  const allowed = video.allowedRoles ?? [];
  // A rule that cannot be read lets nobody in, and ends what plays.
  if (allowed === 'malformed') return deny('rule-malformed', 'not-entitled');
  // Empty means: every role that holds the permission (S10).
  if (allowed.length === 0) return null;
  if (caller.role !== null && allowed.includes(caller.role)) return null;
  return deny('role-not-allowed', caller.role === 'public' ? 'login-required' : 'not-entitled');
}

/** A rule judges the user, whoever asked in that user's name. */
function withoutAsker(origin: Question['origin']): Question['origin'] {
  return origin.kind === 'user' ? { kind: 'user', id: origin.id } : origin;
}

async function decide(reads: Reads, question: Question): Promise<Decision> {
  const caller = await reads.caller(question);
  if (!caller.allow) return caller;
  const video = await reads.video(question);
  if (!video) return deny('video-unpublished', 'not-found');
  const denial = windowDenial(video, Date.now()) ?? roleDenial(video, caller);
  if (denial) return denial;
  const { role } = caller;
  const locale = video.locale ?? null;
  const byRule = await reads.ruleDenial({
    caller: withoutAsker(question.origin),
    role,
    video: { documentId: question.video, locale },
  });
  if (byRule) return byRule;
  const assetId = question.asset ?? assetIdOf(video);
  if (assetId === null) return deny('asset-missing', 'not-found');
  const stored = await reads.asset(assetId);
  if (!stored) return deny('asset-not-ready', 'not-found');
  const policy = effectivePolicy(reads.site, await reads.policies(), question.origin, caller.role);
  // The policies of a role and of API tokens may have no protocol in common.
  if (policy.protocols.length === 0) return deny('protocol-not-permitted', 'not-entitled');
  const asset = belowCeiling(stored, policy.maxHeight);
  if (!asset) return deny('quality-above-ceiling', 'not-entitled');
  return {
    allow: true,
    role,
    locale,
    asset,
    protocols: policy.protocols,
    download: policy.download && video.downloadable === true,
    policy,
    concurrency: concurrencyFor(question.origin, policy),
    views: viewAllowanceFor(question.origin, question.video, policy.views),
    validUntil: video.availableUntil?.getTime() ?? null,
    posterUrl: video.poster?.url ?? null,
  };
}

/** Facts that whoever asks has at hand or reads more cheaply: of the same moment, and from the same rows. */
export type KnownFacts = Partial<Omit<Reads, 'site' | 'ruleDenial'>>;

export interface EntitlementService extends EntitlementRules {
  /**
   * Answers any number of questions about one moment; reads each caller, entry and asset once. Questions that are asked
   * at the same time share their queries. `known` replaces what would be read, never how it is judged.
   */
  deliberation(known?: KnownFacts): (question: Question) => Promise<Decision>;
  decide(question: Question): Promise<Decision>;
  readonly rules: Rules;
}

/**
 * The one place that says who may watch, in the order of DESIGN §5; asked at mint, at redemption and at every lease.
 * A rule that cannot be evaluated throws, and every caller treats a throw as no.
 */
export function createEntitlementService({ strapi }: { strapi: Core.Strapi }): EntitlementService {
  const rules = createRules(strapi);
  return {
    deliberation(known = {}) {
      const caller = createCallers(strapi);
      const video = createPublishedVideos(strapi);
      const reads: Reads = {
        site: configOf(strapi),
        caller: ({ origin }) => caller(origin),
        video: (question) => video(question.video, question.locale),
        ruleDenial: rules.deliberation(),
        asset: getService(strapi, 'asset').grantedAssets(),
        policies: once(() => getService(strapi, 'role-policies').read()),
        ...known,
      };
      return (question) => decide(reads, question);
    },
    decide(question) {
      return this.deliberation()(question);
    },
    register: rules.register,
    unregister: rules.unregister,
    changed: rules.changed,
    rules,
  };
}
