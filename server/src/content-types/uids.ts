export const VIDEO_UID = 'plugin::protected-vod.video';
export const ASSET_UID = 'plugin::protected-vod.asset';
export const PLAYBACK_SESSION_UID = 'plugin::protected-vod.playback-session';
export const SESSION_HOLDER_UID = 'plugin::protected-vod.session-holder';
export const AUDIT_EVENT_UID = 'plugin::protected-vod.audit-event';
export const SESSION_SLOT_UID = 'plugin::protected-vod.session-slot';
