import { BlockList, isIP, isIPv4 } from 'node:net';
import { canonicalIpv6, mappedIpv4 } from '../../contracts';
import { VodError } from '../errors';

/** Entry of `trustedProxies` for whoever connects through a unix socket, in nginx's spelling. */
export const UNIX_PEER = 'unix:';

const DOTTED_WITH_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$/;
const BRACKETED = /^\[([^\]]+)\](?::\d+)?$/;

/**
 * Null: not an IP address. A dual-stack socket's `::ffff:192.0.2.1` is told as IPv4, other IPv6 addresses in their canonical
 * form; a zone id is dropped.
 */
function normalise(text: string): string | null {
  const address = text.replace(/%.*$/, '');
  if (isIPv4(address)) return address;
  if (isIP(address) === 0) return null;
  const canonical = canonicalIpv6(address);
  return mappedIpv4(canonical) ?? canonical;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}

function addEntry(list: BlockList, entry: string): void {
  const [text = '', bits, ...rest] = entry.split('/');
  const address = normalise(text);
  const width = address !== null && isIPv4(address) ? 32 : 128;
  const length = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  if (address === null || rest.length > 0 || length < 0 || length > width) {
    throw new VodError(
      'config-invalid',
      `streamer.trustedProxies: "${entry}" is neither an address nor a CIDR block nor "${UNIX_PEER}".`,
    );
  }
  list.addSubnet(address, length, familyOf(address));
}

/** Some proxies append the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function parseHop(hop: string): string | null {
  const trimmed = hop.trim();
  return normalise(BRACKETED.exec(trimmed)?.[1] ?? DOTTED_WITH_PORT.exec(trimmed)?.[1] ?? trimmed);
}

export interface Peer {
  /** Of the socket; undefined behind a unix socket. */
  remoteAddress: string | undefined;
  forwardedFor: string | undefined;
}

/**
 * S16: the rightmost hop that is no proxy of ours, for everything left of it may have been invented. Null: it cannot
 * be told. Throws `VodError` `config-invalid` for an entry that is no address.
 */
export function createClientAddressReader(trustedProxies: readonly string[]): (peer: Peer) => string | null {
  const trusted = new BlockList();
  for (const entry of trustedProxies) if (entry !== UNIX_PEER) addEntry(trusted, entry);
  const trustsUnixPeer = trustedProxies.includes(UNIX_PEER);
  const isTrusted = (address: string) => trusted.check(address, familyOf(address));

  return ({ remoteAddress, forwardedFor }) => {
    const socket = remoteAddress === undefined ? null : normalise(remoteAddress);
    const believes = socket === null ? remoteAddress === undefined && trustsUnixPeer : isTrusted(socket);
    if (!believes || forwardedFor === undefined) return socket;
    let hop: string | null = null;
    for (const text of forwardedFor.split(',').reverse()) {
      hop = parseHop(text);
      if (hop === null || !isTrusted(hop)) return hop;
    }
    return hop;
  };
}
