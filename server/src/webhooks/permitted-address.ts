import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { VodError } from '../errors';

/** Special-purpose blocks of IANA's registry: what is no address of the public internet (RFC 6890). */
const PRIVATE_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Of IPv6 all is private but global unicast, and some of that: protocol assignments and Teredo, documentation, 6to4. */
const PUBLIC_V6 = '2000::/3';
const PRIVATE_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];
/** RFC 6052: how networks without IPv4 reach it. What is embedded counts. */
const NAT64 = '64:ff9b::';
const NAT64_BITS = 96;

function blockList(blocks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [network = '', bits] = block.split('/');
    list.addSubnet(network, Number(bits), isIP(network) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

const privateV4 = blockList(PRIVATE_V4);
const publicV6 = blockList([PUBLIC_V6, `${NAT64}/${NAT64_BITS}`]);
const privateV6 = blockList([
  ...PRIVATE_V6,
  ...PRIVATE_V4.map((block) => {
    const [network, bits] = block.split('/');
    return `${NAT64}${network}/${NAT64_BITS + Number(bits)}`;
  }),
]);

/** Whether an address belongs to no host of the public internet; what is no address at all is private. */
export function isPrivateAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return privateV4.check(address, 'ipv4');
    case 6:
      // IPv4-mapped ones are not in the list of the public ones, whatever they map.
      return !publicV6.check(address, 'ipv6') || privateV6.check(address, 'ipv6');
    default:
      return true;
  }
}

export interface Reach {
  allowPrivateNetwork: boolean;
  isEncrypted: boolean;
}

/** Throws `VodError` `address-refused`, or `not-encrypted`: plain HTTP does not leave the private network. */
export function checkAddress(address: string, { allowPrivateNetwork, isEncrypted }: Reach): void {
  const isPrivate = isPrivateAddress(address);
  if (isPrivate && !allowPrivateNetwork) throw new VodError('address-refused', 'The address is a private one.');
  if (!isPrivate && !isEncrypted) throw new VodError('not-encrypted', 'The address is public and the scheme is http.');
}

type Resolve = (
  hostname: string,
  options: { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * For a connection's `lookup`: what was checked is what is connected to, so a name that resolves to another address
 * a moment later changes nothing. One address that may not be reached condemns the name. Not called for literal addresses.
 */
export function checkedLookup(reach: Reach, resolve: Resolve = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      try {
        for (const { address } of addresses) checkAddress(address, reach);
      } catch (refusal) {
        return callback(refusal as VodError, []);
      }
      const [first] = addresses;
      if (options.all || !first) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
