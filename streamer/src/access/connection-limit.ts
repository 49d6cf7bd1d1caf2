import type { Socket } from 'node:net';
import { addressPrefixOf, ipv6SiteOf } from '../../../server/contracts';
import { normaliseAddress } from './client';

/** Counts a connection in until it closes; false: there is no room, and whoever asked closes it. */
export type ConnectionLimit = (socket: Socket) => boolean;

/** How many of all connections one address may have. */
const SHARE = 1 / 4;
const LOOPBACK = /^127\.|^::1$/;

export interface ConnectionLimits {
  /** Over all listeners that ask. */
  max: number;
  /** Whether the connections of this address are those of many: a reverse proxy. */
  isProxy(address: string): boolean;
}

/** Whose connections are counted together; an IPv6 /48 may well be one site's. Null: who cannot be told apart. */
function ownerOf(socket: Socket, { isProxy }: ConnectionLimits): string | null {
  const address = normaliseAddress(socket.remoteAddress ?? '');
  // From loopback comes what a proxy of this machine passes on, Strapi's own above all.
  if (address === null || LOOPBACK.test(address) || isProxy(address)) return null;
  return ipv6SiteOf(addressPrefixOf(address)) ?? address;
}

/** One for all listeners: `max` holds over what they have open together, and nobody has more than a share of it. */
export function createConnectionLimit(limits: ConnectionLimits): ConnectionLimit {
  const each = Math.max(1, Math.floor(limits.max * SHARE));
  const byOwner = new Map<string, number>();
  let open = 0;

  function leave(owner: string | null): void {
    open -= 1;
    if (owner === null) return;
    const left = (byOwner.get(owner) ?? 1) - 1;
    if (left > 0) byOwner.set(owner, left);
    else byOwner.delete(owner);
  }

  return (socket) => {
    const owner = ownerOf(socket, limits);
    const own = owner === null ? 0 : (byOwner.get(owner) ?? 0);
    if (open >= limits.max || own >= each) return false;
    open += 1;
    if (owner !== null) byOwner.set(owner, own + 1);
    socket.once('close', () => leave(owner));
    return true;
  };
}
