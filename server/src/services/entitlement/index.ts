import type { Core } from '@strapi/strapi';
import type { GrantedAsset, RolePolicies } from '../../../contracts';
import { configOf, type PluginConfig } from '../../config';
import type { UnpreparedAsset } from '../asset';
import { once } from '../batch';
import { getService } from '../get-service';
import { type EffectivePolicy, effectivePolicy } from '../role-policies/effective-policy';
import { windowDenial } from './availability';
import { type Caller, createCallers } from './caller';
import { concurrencyFor } from './concurrency';
import { type Decision, type Denial, deny, type Question } from './decision';
import { type Privilege, policyOfPrivilege, viewsOfPrivilege } from './privilege';
import { belowCeiling } from './quality-ceiling';
import { createRules, type EntitlementRules, type Rules } from './rules';
import { ruleCallerOf } from './rules/rule-caller';
import { assetIdOf, createVideoRows, type VideoRow } from './video-row';
import { type ViewAllowance, viewAllowanceFor } from './view-allowance';

/** What one deliberation knows and reads, each thing once, and together what is asked for together. */
export interface Reads {
  site: PluginConfig;
  caller(question: Question): Promise<Caller | Denial>;
  published(question: Question): Promise<VideoRow | null>;
  draft(question: Question): Promise<VideoRow | null>;
  ruleDenial: ReturnType<Rules['deliberation']>;
  asset(id: string): Promise<GrantedAsset | UnpreparedAsset | null>;
  /** Likewise, of a session that began on it. */
  heldAsset(id: string): Promise<GrantedAsset | UnpreparedAsset | null>;
  policies(): Promise<RolePolicies>;
}

function roleDenial(video: VideoRow, caller: Caller): Denial | null {
  const allowed = video.allowedRoles ?? [];
  // A rule that cannot be read lets nobody in, and ends what plays.
  if (allowed === 'malformed') return deny('rule-malformed', 'not-entitled');
  // Empty means: every role that holds the permission (S10).
  if (allowed.length === 0) return null;
  if (caller.role !== null && allowed.includes(caller.role)) return null;
  return deny('role-not-allowed', caller.role === 'public' ? 'login-required' : 'not-entitled');
}

/** What roles and rules have against a viewer. */
async function viewerDenial(reads: Reads, question: Question, caller: Caller, video: VideoRow): Promise<Denial | null> {
  const denial = roleDenial(video, caller);
  if (denial) return denial;
  const asker = ruleCallerOf(question.origin);
  // Editors and guests have a privilege, or are nobody.
  if (asker === null) return deny('caller-unknown', 'not-entitled');
  return reads.ruleDenial({
    caller: asker,
    role: caller.role,
    video: { documentId: question.video, locale: video.locale ?? null },
  });
}

/** The row that is to be played, or why not. Drafts, and what lies outside of its window, are for editors alone (S10). */
async function findVideo(reads: Reads, question: Question, caller: Caller): Promise<VideoRow | Denial> {
  const { privilege } = caller;
  if (privilege?.kind === 'editor') return (await reads.draft(question)) ?? deny('video-missing', 'not-found');
  if (privilege && privilege.link.video !== question.video) return deny('guest-link-other-video', 'link-refused');
  const video = await reads.published(question);
  if (!video) return deny('video-unpublished', 'not-found');
  const denial = windowDenial(video, Date.now());
  return denial ?? (privilege ? null : await viewerDenial(reads, question, caller, video)) ?? video;
}

interface Terms {
  policy: EffectivePolicy;
  views: ViewAllowance | null;
}

async function termsOf(reads: Reads, { origin, video }: Question, { role, privilege }: Caller): Promise<Terms> {
  if (privilege) return { policy: policyOfPrivilege(reads.site, privilege), views: viewsOfPrivilege(privilege) };
  const policy = effectivePolicy(reads.site, await reads.policies(), origin, role);
  return { policy, views: viewAllowanceFor(origin, video, policy.views) };
}

/** When the answer will change by itself: at the end of the window, or of the link. */
function validUntil({ availableUntil }: VideoRow, privilege: Privilege | undefined): number | null {
  if (privilege?.kind === 'editor') return null;
  const ends = [availableUntil?.getTime(), privilege?.link.expiresAt].filter((end) => end !== undefined);
  return ends.length === 0 ? null : Math.min(...ends);
}

async function decide(reads: Reads, question: Question): Promise<Decision> {
  const caller = await reads.caller(question);
  if (!caller.allow) return caller;
  const video = await findVideo(reads, question, caller);
  if ('allow' in video) return video;
  const assetId = question.asset ?? assetIdOf(video);
  if (assetId === null) return deny('asset-missing', 'not-found');
  const stored = await (question.asset === undefined ? reads.asset(assetId) : reads.heldAsset(assetId));
  if (!stored) return deny('asset-not-ready', 'not-found');
  // Nobody is told more than that: not all of it will ever be prepared.
  if ('unprepared' in stored) return { ...deny(stored.unprepared, 'not-available-yet'), asset: stored.id };
  const { policy, views } = await termsOf(reads, question, caller);
  // The policies of a role and of API tokens may have no protocol in common.
  if (policy.protocols.length === 0) return deny('protocol-not-permitted', 'not-entitled');
  const asset = belowCeiling(stored, policy.maxHeight);
  if (!asset) return deny('quality-above-ceiling', 'not-entitled');
  return {
    allow: true,
    role: caller.role,
    locale: video.locale ?? null,
    asset,
    protocols: policy.protocols,
    download: policy.download && video.downloadable === true,
    policy,
    concurrency: concurrencyFor(question.origin, policy),
    views,
    validUntil: validUntil(video, caller.privilege),
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
      const published = createVideoRows(strapi, 'published');
      const draft = createVideoRows(strapi, 'draft');
      const reads: Reads = {
        site: configOf(strapi),
        caller: ({ origin }) => caller(origin),
        published: (question) => published(question.video, question.locale),
        draft: (question) => draft(question.video, question.locale),
        ruleDenial: rules.deliberation(),
        asset: getService(strapi, 'asset').grantedAssets(),
        heldAsset: getService(strapi, 'asset').heldAssets(),
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
