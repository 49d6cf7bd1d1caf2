import { createHash } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import type { Client } from '../../../server/contracts';

function ipv6Groups(canonical: string): number[] {
  const [head = '', tail] = canonical.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const left = groups(head);
  if (tail === undefined) return left;
  const right = groups(tail);
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** The URL parser writes an IPv6 address in its one canonical form (RFC 5952). */
function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

/**
 * Canonical form of an IP address, without zone or brackets; IPv4-mapped IPv6 (RFC 4291 §2.5.5.2) becomes IPv4.
 * Null: not an address.
 */
export function normaliseAddress(text: string): string | null {
  const address = text.replace(/%.*$/, '');
  if (isIPv4(address)) return address;
  if (isIP(address) === 0) return null;
  const canonical = canonicalIpv6(address);
  const groups = ipv6Groups(canonical);
  if (groups.slice(0, 5).some((group) => group !== 0) || groups[5] !== 0xffff) return canonical;
  const [high = 0, low = 0] = groups.slice(6);
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}

/** `203.0.113.0/24` or `2001:db8:1:200::/56` of a normalised address. */
export function addressPrefixOf(address: string): string {
  if (isIPv4(address)) return `${address.split('.').slice(0, 3).join('.')}.0/24`;
  const [a = 0, b = 0, c = 0, d = 0] = ipv6Groups(address);
  const network = [a, b, c, d & 0xff00].map((group) => group.toString(16)).join(':');
  return `${canonicalIpv6(`${network}::`)}/56`;
}

/** What of a viewer leaves this process: the network it is in and a digest of its user agent. */
export function describeClient(address: string, userAgent: string | undefined): Client {
  const agent = createHash('sha256')
    .update(userAgent ?? '')
    .digest('hex')
    .slice(0, 16);
  return { addressPrefix: addressPrefixOf(address), agent };
}
