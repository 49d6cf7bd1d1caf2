import { documentIdSchema, type Resource } from '../../../server/contracts';

export interface StreamAddress {
  /** Token or session id as the address had it; may be empty. */
  credential: string;
  /** Null: the address names nothing. Whether it exists is for the gate to tell first. */
  resource: Extract<Resource, { kind: 'rtmp' }> | null;
}

/** `vod`, and as players of old wrote it, `vod/_definst_`. */
const APP = /^vod(?:\/_definst_)?\/?$/;
const TYPE_PREFIX = /^(?:mp4|flv):/;
const SUFFIX = /\.(?:mp4|flv)$/;

function split(text: string): { path: string; query: URLSearchParams } {
  const at = text.indexOf('?');
  return at < 0
    ? { path: text, query: new URLSearchParams() }
    : { path: text.slice(0, at), query: new URLSearchParams(text.slice(at + 1)) };
}

/**
 * Reads `rtmp://host/vod/{documentId}?token={token}` from the two places where clients put it: `app` of `connect` and the
 * name of `play`. Some clients cut at the wrong place, so the token may stand behind either.
 */
export function readStreamAddress(app: string, name: string): StreamAddress {
  const application = split(app);
  const stream = split(name);
  const video = stream.path.replace(TYPE_PREFIX, '').replace(SUFFIX, '');
  const isNamed = APP.test(application.path) && documentIdSchema.safeParse(video).success;
  return {
    credential: stream.query.get('token') ?? application.query.get('token') ?? '',
    resource: isNamed ? { kind: 'rtmp', video } : null,
  };
}
