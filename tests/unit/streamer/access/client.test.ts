import { describe, expect, it } from 'vitest';
import { addressPrefixOf, ipv6SiteOf } from '../../../../server/contracts';
import { describeClient, normaliseAddress } from '../../../../streamer/src/access/client';
import { createClientAddressReader } from '../../../../streamer/src/access/client-address';

describe('a client', () => {
  it.each([
    ['203.0.113.77', '203.0.113.0/24'],
    ['::ffff:203.0.113.77', '203.0.113.0/24'],
    ['::ffff:cb00:714d', '203.0.113.0/24'],
    ['2001:db8:1:2ff::9', '2001:db8:1:200::/56'],
    ['2001:0DB8:0001:0200:0000:0000:0000:0001', '2001:db8:1:200::/56'],
    ['2001:db8::1', '2001:db8::/56'],
    ['::1', '::/56'],
    ['fe80::1%eth0', 'fe80::/56'],
  ])('at %s is in %s', (address, prefix) => {
    expect(addressPrefixOf(normaliseAddress(address) ?? '')).toBe(prefix);
  });

  it.each([
    ['2001:db8:1:2ff::9', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8::/48'],
    ['::1', '::/48'],
    ['203.0.113.77', null],
  ])('at %s belongs to the IPv6 site %s', (address, site) => {
    expect(ipv6SiteOf(addressPrefixOf(address))).toBe(site);
  });

  it.each(['', 'unknown', '1.2.3', '1.2.3.4.5', '256.1.1.1', '::g', '[::1]', '1.2.3.4/24'])('is not at %j', (text) => {
    expect(normaliseAddress(text)).toBeNull();
  });

  it('is described by prefix and agent digest only', () => {
    expect(describeClient('203.0.113.77', 'Player/1')).toEqual({
      addressPrefix: '203.0.113.0/24',
      agent: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });
});

describe('S16 the address behind proxies', () => {
  const proof = 'p'.repeat(40);
  const read = createClientAddressReader({
    edgeProofs: () => ['x'.repeat(40), proof],
    trustedProxies: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.1'],
  });
  const edge = (value: string, client: string) => ({ 'x-protected-vod-edge': value, 'x-protected-vod-client': client });

  it.each<[string, string, Record<string, string>, string | null]>([
    ['a stranger is who the socket says', '203.0.113.7', { 'x-forwarded-for': '1.2.3.4' }, '203.0.113.7'],
    ['a proxy is believed', '10.1.1.1', { 'x-forwarded-for': '1.2.3.4' }, '1.2.3.4'],
    ['a proxy in mapped form is believed', '::ffff:10.1.1.1', { 'x-forwarded-for': '1.2.3.4' }, '1.2.3.4'],
    ['an IPv6 proxy is believed', '2001:db8::5', { 'x-forwarded-for': '[2001:1::1]:443' }, '2001:1::1'],
    ['the rightmost untrusted hop counts', '10.1.1.1', { 'x-forwarded-for': '6.6.6.6, 1.2.3.4, 192.0.2.1' }, '1.2.3.4'],
    ['ports are cut off', '10.1.1.1', { 'x-forwarded-for': '1.2.3.4:5678' }, '1.2.3.4'],
    ['only proxies: the first of them', '10.1.1.1', { 'x-forwarded-for': '10.0.0.9, 10.0.0.8' }, '10.0.0.9'],
    ['an unreadable hop is nobody', '10.1.1.1', { 'x-forwarded-for': '1.2.3.4, unknown' }, null],
    ['no header: the proxy itself', '10.1.1.1', {}, '10.1.1.1'],
    ['the edge proof is believed', '127.0.0.1', edge(proof, '1.2.3.4'), '1.2.3.4'],
    ['a wrong proof is not', '127.0.0.1', edge('q'.repeat(40), '1.2.3.4'), '127.0.0.1'],
    ['an empty proof is not', '127.0.0.1', edge('', '1.2.3.4'), '127.0.0.1'],
    [
      'a proof beats forwarded headers',
      '10.1.1.1',
      { ...edge(proof, '1.2.3.4'), 'x-forwarded-for': '5.6.7.8' },
      '1.2.3.4',
    ],
    ['a proof without an address is nobody', '127.0.0.1', edge(proof, ''), null],
  ])('%s', (_rule, socket, headers, expected) => {
    expect(read(socket, headers)).toBe(expected);
  });

  it('without a proof of our own, nobody has one', () => {
    const plain = createClientAddressReader({ trustedProxies: [] });
    expect(plain('127.0.0.1', edge('', '1.2.3.4'))).toBe('127.0.0.1');
  });

  it.each(['10.0.0.0/33', 'proxy.local', '10.0.0.0/', '10.0.0.0/8/8', '::1/129', ''])(
    'refuses the entry %j',
    (entry) => {
      expect(() => createClientAddressReader({ trustedProxies: [entry] })).toThrow(/neither an address nor a CIDR/);
    },
  );
});
