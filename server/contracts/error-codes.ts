import type { TranscodeReason } from './verdict';

/** What a refused viewer may learn from the token endpoint. The exact reason stays in the log. */
export const PUBLIC_REFUSALS = {
  'login-required': { status: 401, sentence: 'Sign in to watch this video.' },
  'not-entitled': { status: 403, sentence: 'You may not watch this video.' },
  'not-available-yet': { status: 403, sentence: 'This video is not available yet.' },
  'too-many-sessions': { status: 403, sentence: 'This account is already watching elsewhere.' },
  'too-many-views': { status: 403, sentence: 'You have watched this video as often as you may for now.' },
  'link-refused': { status: 403, sentence: 'This link does not work, or the password is wrong.' },
  'password-required': { status: 403, sentence: 'This link needs a password.' },
  'rate-limited': { status: 429, sentence: 'Too many requests. Try again shortly.' },
  'not-found': { status: 404, sentence: 'Not Found' },
  'not-configured': { status: 503, sentence: 'Playback is not configured on this server.' },
} as const;

export type PublicRefusal = keyof typeof PUBLIC_REFUSALS;

/** Why the CMS said no: for logs and, later, the audit. Never sent to a viewer. */
export type DenyReason =
  | 'caller-unknown'
  | 'user-blocked'
  | 'user-unconfirmed'
  | 'api-token-gone'
  | 'api-token-unbound'
  | 'user-not-nameable'
  | 'subject-not-nameable'
  | 'subject-changed'
  | 'role-unknown'
  | 'admin-gone'
  | 'admin-deactivated'
  | 'guest-link-gone'
  | 'guest-link-revoked'
  | 'guest-link-expired'
  | 'guest-link-used-up'
  | 'guest-link-other-video'
  | 'guest-password-wrong'
  | 'permission-missing'
  | 'video-missing'
  | 'video-unpublished'
  | 'window-not-open'
  | 'window-closed'
  | 'role-not-allowed'
  | 'rule-malformed'
  | 'rule-unmatched'
  | 'rule-denied'
  | 'rule-failed'
  | 'rule-too-slow'
  | 'asset-missing'
  | 'asset-not-ready'
  | 'asset-not-judged'
  | TranscodeReason
  | 'protocol-not-permitted'
  | 'quality-above-ceiling'
  | 'session-ended'
  | 'session-lifetime-over'
  | 'session-silent'
  | 'token-invalid'
  | 'token-expired'
  | 'token-revoked'
  | 'client-mismatch'
  | 'too-many-take-overs'
  | 'concurrency-limit'
  | 'view-limit'
  | 'secret-replaced'
  | 'rate-limited'
  | 'secret-refused';
