import type { PluginConfig } from '../../config';
import type { GuestLink } from '../guest-links/link';
import { type EffectivePolicy, sitePolicy } from '../role-policies/effective-policy';
import { deny } from './decision';
import type { ViewAllowance } from './view-allowance';

/**
 * Why a caller needs no role, and no allowed role or rule speaks for or against the caller. `editor`: previews what is not
 * published yet, too (S10). `guest`: an editor let whoever has the link watch one published video.
 */
export type Privilege = { kind: 'editor' } | { kind: 'guest'; link: GuestLink };

/** In place of a role's policy: who has no role has no policy of one. */
export function policyOfPrivilege(site: PluginConfig, privilege: Privilege): EffectivePolicy {
  const policy = { ...sitePolicy(site), maxConcurrent: null };
  if (privilege.kind === 'guest') return { ...policy, download: privilege.link.download };
  // A preview is for the one who asked: nobody takes it over.
  return {
    ...policy,
    sessionMaxLifetimeSeconds: Math.min(policy.sessionMaxLifetimeSeconds, site.preview.lifetimeSeconds),
    clientBinding: 'address-prefix',
  };
}

/** Those that the link has in all; null: no limit. */
export function viewsOfPrivilege(privilege: Privilege): ViewAllowance | null {
  if (privilege.kind === 'editor' || privilege.link.maxViews === null) return null;
  const { documentId, video, maxViews } = privilege.link;
  return {
    subject: `guest-link:${documentId}`,
    video,
    limit: maxViews,
    windowSeconds: null,
    usedUp: deny('guest-link-used-up', 'link-refused'),
  };
}
