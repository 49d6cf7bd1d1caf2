/** `iss` and `aud` of everything that the plugin signs and a streamer verifies (RFC 8725 §3.8, §3.9). */
export const TOKEN_ISSUER = 'protected-vod';
export const TOKEN_AUDIENCE = 'protected-vod-streamer';
