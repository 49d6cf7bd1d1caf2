import { type DeliveryUrl, parseDeliveryPath } from '../../../server/contracts';

/** Longest delivery address: a token of 4096, a prefix and a track. */
const MAX_TARGET_LENGTH = 4608;

/** Where a reverse proxy asks whether a viewer may have a segment. */
const EDGE_PATH = '/edge/authorize';

export type Route =
  | { kind: 'delivery'; method: 'GET' | 'HEAD'; url: DeliveryUrl }
  | { kind: 'edge' }
  | { kind: 'preflight' }
  | { kind: 'not-found' }
  | { kind: 'method-not-allowed' }
  | { kind: 'target-too-long' };

/**
 * Reads the request line. The path is taken as it stands: nothing is decoded or normalised, so that no spelling of an
 * address but the one we hand out leads anywhere, and no text of it ever becomes a file name.
 */
export function routeOf(method: string | undefined, target: string | undefined): Route {
  if (target === undefined || target.length > MAX_TARGET_LENGTH) return { kind: 'target-too-long' };
  // A preflight is answered before the gate: it carries no right and redeems nothing (S11).
  if (method === 'OPTIONS') return { kind: 'preflight' };
  if (method !== 'GET' && method !== 'HEAD') return { kind: 'method-not-allowed' };
  if (method === 'GET' && target === EDGE_PATH) return { kind: 'edge' };
  const end = target.search(/[?#]/);
  const url = parseDeliveryPath(end === -1 ? target : target.slice(0, end));
  return url === null ? { kind: 'not-found' } : { kind: 'delivery', method, url };
}

/** What a route is called in logs and metrics: never any text of the request. */
export function routeName(route: Route): string {
  return route.kind === 'delivery' ? (route.url.resource?.kind ?? 'unknown-resource') : route.kind;
}
