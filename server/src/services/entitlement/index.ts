import type { Core } from '@strapi/strapi';
import { type GrantedAsset, PROTOCOLS } from '../../../contracts';
import { configOf, type PluginConfig } from '../../config';
import { getService } from '../get-service';
import { type Caller, createCallers } from './caller';
import { concurrencyFor } from './concurrency';
import { type Decision, type Denial, deny, type Question } from './decision';
import { assetIdOf, createPublishedVideos, type PublishedVideo } from './published-video';
import { createRules, type EntitlementRules, type Rules } from './rules';

/** What one deliberation knows and reads, each thing once, and together what is asked for together. */
interface Reads {
  session: PluginConfig['session'];
  caller(question: Question): Promise<Caller | Denial>;
  video(question: Question): Promise<PublishedVideo | null>;
  ruleDenial: ReturnType<Rules['deliberation']>;
  asset(id: string): Promise<GrantedAsset | null>;
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
    caller: question.origin,
    role,
    video: { documentId: question.video, locale },
  });
  if (byRule) return byRule;
  const assetId = question.asset ?? assetIdOf(video);
  if (assetId === null) return deny('asset-missing', 'not-found');
  const asset = await reads.asset(assetId);
  if (!asset) return deny('asset-not-ready', 'not-found');
  return {
    allow: true,
    role,
    locale,
    asset,
    protocols: [...PROTOCOLS],
    download: video.downloadable === true,
    concurrency: concurrencyFor(question.origin, reads.session),
    validUntil: video.availableUntil?.getTime() ?? null,
    posterUrl: video.poster?.url ?? null,
  };
}

export interface EntitlementService extends EntitlementRules {
  /**
   * Answers any number of questions about one moment; reads each caller, entry and asset once. Questions that are asked
   * at the same time share their queries.
   */
  deliberation(): (question: Question) => Promise<Decision>;
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
    deliberation() {
      const caller = createCallers(strapi);
      const video = createPublishedVideos(strapi);
      const reads: Reads = {
        session: configOf(strapi).session,
        caller: ({ origin }) => caller(origin),
        video: (question) => video(question.video, question.locale),
        ruleDenial: rules.deliberation(),
        asset: getService(strapi, 'asset').grantedAssets(),
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
