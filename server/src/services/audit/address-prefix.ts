import { isIPv4, isIPv6 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** The URL parser writes an IPv6 address in its one canonical form (RFC 5952). */
function canonical(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

/** The first four groups of a canonical address. */
function leadingGroups(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const groups = (text = ''): string[] => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = groups(tail);
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].slice(0, 4).map((group) => Number.parseInt(group, 16));
}

/** `203.0.113.0/24` or `2001:db8:1:200::/56`, as the streamer writes it; null: no address. */
export function addressPrefixOf(text: string): string | null {
  const address = text.replace(/%.*$/, '');
  const plain = MAPPED_IPV4.exec(address)?.[1] ?? address;
  if (isIPv4(plain)) return `${plain.split('.').slice(0, 3).join('.')}.0/24`;
  if (!isIPv6(plain)) return null;
  const [a = 0, b = 0, c = 0, d = 0] = leadingGroups(canonical(plain));
  const network = [a, b, c, d & 0xff00].map((group) => group.toString(16)).join(':');
  return `${canonical(`${network}::`)}/56`;
}
