import { PROXY_MOUNT } from '../../contracts';

/** What a request to Strapi's port is for the stream proxy. */
export type Target =
  | { kind: 'elsewhere' }
  /** Below the mount, or an alias of it, but nothing that the streamer may be asked for. */
  | { kind: 'refused' }
  /** `path` is the request's own, undecoded, without the mount and with the query. */
  | { kind: 'stream'; path: string };

const MOUNT = `${PROXY_MOUNT}/`;
const ALLOWED = /^\/(?:v\/|embed\/|player\.js$)/;
/** A playback token or a session id where the streamer would look for it, below whatever prefix. */
const CARRIES_CREDENTIAL = /\/v\/(?:ps_[\w-]{40}|eyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{40,})(?:[/?#]|$)/;
const PRINTABLE = /^[\x21-\x7e]*$/;

function decodeOnce(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

/** RFC 9112 §3.2.2: a server must accept the absolute form too. */
function originForm(requestTarget: string): string {
  return requestTarget.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
}

function slashes(text: string): number {
  return text.split('/').length;
}

/**
 * Whether two servers that decode differently could read `decoded` as different paths. What decodes a second time,
 * climbs, or ends early is refused rather than repaired: no valid address needs any of it.
 */
function isAmbiguous(decoded: string): boolean {
  if (/[\u0000-\u001f\u007f\\%?#]/.test(decoded)) return true;
  return decoded
    .slice(1)
    .split('/')
    .some((segment, index, all) => segment === '.' || segment === '..' || (segment === '' && index < all.length - 1));
}

function innerPath(path: string, decoded: string | null): string | null {
  if (decoded === null || !path.startsWith(MOUNT) || !PRINTABLE.test(path)) return null;
  const inner = path.slice(PROXY_MOUNT.length);
  const decodedInner = decoded.slice(PROXY_MOUNT.length);
  // An encoded slash moves the border between segments.
  if (slashes(inner) !== slashes(decodedInner) || isAmbiguous(decodedInner)) return null;
  return ALLOWED.test(inner) && ALLOWED.test(decodedInner) ? inner : null;
}

/** S16: an allow-list of paths, judged raw and after exactly one decode. `requestTarget` is the request line's. */
export function readTarget(requestTarget: string): Target {
  const form = originForm(requestTarget);
  const queryAt = form.indexOf('?');
  const path = queryAt < 0 ? form : form.slice(0, queryAt);
  const query = queryAt < 0 ? '' : form.slice(queryAt);
  const decoded = decodeOnce(path);
  // Aliases of the mount are ours as well, so that they end here and not in Strapi's request log (S21).
  const isOurs = (candidate: string) => candidate.replace(/\/{2,}/g, '/').startsWith(MOUNT);
  if (!isOurs(path) && !isOurs(decoded ?? '')) {
    // A reverse proxy that changes the prefix sends viewers elsewhere: their credentials must not be logged there.
    const isLost = [form, decoded ?? ''].some((candidate) => CARRIES_CREDENTIAL.test(candidate));
    return { kind: isLost ? 'refused' : 'elsewhere' };
  }
  const inner = innerPath(path, decoded);
  return inner === null || !PRINTABLE.test(query) ? { kind: 'refused' } : { kind: 'stream', path: inner + query };
}
