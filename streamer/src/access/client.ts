import { createHash } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { addressPrefixOf, type Client, canonicalIpv6, mappedIpv4 } from '../../../server/contracts';

/**
 * Canonical form of an IP address, without zone or brackets; IPv4-mapped IPv6 (RFC 4291 §2.5.5.2) becomes IPv4.
 * Null: not an address.
 */
export function normaliseAddress(text: string): string | null {
  const address = text.replace(/%.*$/, '');
  if (isIPv4(address)) return address;
  if (isIP(address) === 0) return null;
  const canonical = canonicalIpv6(address);
  return mappedIpv4(canonical) ?? canonical;
}

/** What of a viewer leaves this process: the network it is in and a digest of its user agent. */
export function describeClient(address: string, userAgent: string | undefined): Client {
  const agent = createHash('sha256')
    .update(userAgent ?? '')
    .digest('hex')
    .slice(0, 16);
  return { addressPrefix: addressPrefixOf(address), agent };
}
