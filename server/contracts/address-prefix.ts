/** The eight groups of an IPv6 address in its canonical form. */
export function ipv6Groups(canonical: string): number[] {
  const [head = '', tail] = canonical.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const left = groups(head);
  if (tail === undefined) return left;
  const right = groups(tail);
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** The URL parser writes an IPv6 address in its one canonical form (RFC 5952). */
export function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

/** The IPv4 address within an IPv4-mapped one (RFC 4291 §2.5.5.2) in its canonical form; null: it is none. */
export function mappedIpv4(canonical: string): string | null {
  const groups = ipv6Groups(canonical);
  if (groups.slice(0, 5).some((group) => group !== 0) || groups[5] !== 0xffff) return null;
  const [high = 0, low = 0] = groups.slice(6);
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}

/**
 * `203.0.113.0/24` or `2001:db8:1:200::/56` of an IP address without zone or brackets: what of a viewer's address is
 * compared, counted and kept.
 */
export function addressPrefixOf(address: string): string {
  if (!address.includes(':')) return `${address.split('.').slice(0, 3).join('.')}.0/24`;
  const [a = 0, b = 0, c = 0, d = 0] = ipv6Groups(canonicalIpv6(address));
  const network = [a, b, c, d & 0xff00].map((group) => group.toString(16)).join(':');
  return `${canonicalIpv6(`${network}::`)}/56`;
}

/**
 * The `/48` around an IPv6 `/56` of `addressPrefixOf`: what one site is commonly given (RFC 6177), so that whoever holds it
 * holds 256 of those prefixes. Null for IPv4.
 */
export function ipv6SiteOf(addressPrefix: string): string | null {
  const [address = ''] = addressPrefix.split('/');
  if (!address.includes(':')) return null;
  const network = ipv6Groups(address)
    .slice(0, 3)
    .map((group) => group.toString(16));
  return `${canonicalIpv6(`${network.join(':')}::`)}/48`;
}
