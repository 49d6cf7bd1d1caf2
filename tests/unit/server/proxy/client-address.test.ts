import { describe, expect, it } from 'vitest';
import { createClientAddressReader } from '../../../../server/src/proxy/client-address';

const TRUSTED = ['10.0.0.0/8', '2001:db8:ffff::/48', '192.0.2.1'];

describe('client address at the proxy', () => {
  it.each([
    ['a stranger is himself, whatever he says', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['a trusted proxy is believed', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    [
      'only the rightmost untrusted hop counts',
      '10.0.0.1',
      '1.1.1.1, 198.51.100.1, 10.9.9.9, 192.0.2.1',
      '198.51.100.1',
    ],
    ['all hops trusted: the leftmost', '10.0.0.1', '10.0.0.7, 10.0.0.8', '10.0.0.7'],
    ['no header: the proxy itself', '10.0.0.1', undefined, '10.0.0.1'],
    ['a hop that is no address cannot be told', '10.0.0.1', '198.51.100.1, unknown', null],
    ['an empty header cannot be told', '10.0.0.1', '', null],
    ['IPv4 on a dual-stack socket', '::ffff:10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['IPv4 in any spelling within IPv6', '0:0::FFFF:a00:1', '::ffff:c633:6401', '198.51.100.1'],
    ['IPv6 in its one canonical form', '10.0.0.1', '2001:0DB8:0:0::0007', '2001:db8::7'],
    ['IPv6 with port', '2001:db8:ffff::1', '[2001:db8::7]:4711', '2001:db8::7'],
    ['a zone id is dropped', 'fe80::1%eth0', undefined, 'fe80::1'],
    ['a unix socket that is not trusted', undefined, '198.51.100.1', null],
  ])('S16 %s', (_rule, remoteAddress, forwardedFor, client) => {
    expect(createClientAddressReader(TRUSTED)({ remoteAddress, forwardedFor })).toBe(client);
  });

  it('S16 a trusted unix socket is believed', () => {
    const read = createClientAddressReader(['unix:', '10.0.0.0/8']);
    expect(read({ remoteAddress: undefined, forwardedFor: '198.51.100.1, 10.0.0.1' })).toBe('198.51.100.1');
  });

  it.each(['10.0.0.0/33', 'proxy.example', '10.0.0.0/', '::/129', '10.0.0.0/8/8', '', '10.0.0.0/-1'])(
    'S16 "%s" as a trusted proxy is refused with a sentence',
    (entry) => {
      expect(() => createClientAddressReader([entry])).toThrow(/^streamer\.trustedProxies: /);
    },
  );
});
