import { describe, expect, it } from 'vitest';
import { addressPrefixOf } from '../../../../server/src/services/audit/address-prefix';
import { normaliseAddress, addressPrefixOf as streamerPrefixOf } from '../../../../streamer/src/access/client';

describe('address prefix', () => {
  it.each([
    '203.0.113.7',
    '127.0.0.1',
    '::ffff:192.0.2.1',
    '::1',
    '2001:db8:1:2ff::7',
    '2001:DB8:0:0:1::',
    'fe80::1%eth0',
    '1::',
    '1:2:3:4:5:6:7:8',
  ])('%s has the one that the streamer tells', (address) => {
    expect(addressPrefixOf(address)).toBe(streamerPrefixOf(normaliseAddress(address) ?? ''));
  });

  it.each(['', 'unix:', 'example.test', '1.2.3'])('%j has none', (text) => {
    expect(addressPrefixOf(text)).toBeNull();
  });
});
