import type { LookupAddress, LookupOptions } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { checkAddress, checkedLookup, isPrivateAddress } from '../../../../server/src/webhooks/permitted-address';

const STRICT = { allowPrivateNetwork: false, isEncrypted: true };

describe('S26 addresses of webhooks', () => {
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::8.8.8.8',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%lo',
    'fec0::1',
    'ff02::1',
    'localhost',
    '',
  ])('%s is private', (address) => {
    expect(isPrivateAddress(address)).toBe(true);
    expect(() => checkAddress(address, STRICT)).toThrow(expect.objectContaining({ code: 'address-refused' }));
    expect(() => checkAddress(address, { allowPrivateNetwork: true, isEncrypted: false })).not.toThrow();
  });

  it.each(['1.1.1.1', '9.255.255.255', '100.128.0.1', '172.32.0.1', '192.167.255.255', '223.255.255.255'])(
    '%s is public',
    (address) => {
      expect(isPrivateAddress(address)).toBe(false);
      expect(() => checkAddress(address, STRICT)).not.toThrow();
    },
  );

  it.each(['2606:4700::1111', '2a00:1450::1', '64:ff9b::8.8.8.8'])('%s is public too', (address) => {
    expect(isPrivateAddress(address)).toBe(false);
  });

  it('plain HTTP never goes to a public one, also where private ones are allowed', () => {
    const reach = { allowPrivateNetwork: true, isEncrypted: false };
    expect(() => checkAddress('1.1.1.1', reach)).toThrow(expect.objectContaining({ code: 'not-encrypted' }));
  });
});

describe('S26 a name', () => {
  const asked = (addresses: string[], options: LookupOptions = { all: true }) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const lookup = checkedLookup(STRICT, (_name, _options, callback) => callback(null, found));
    return new Promise<string | LookupAddress[]>((resolve, reject) => {
      lookup('hooks.example.org', options, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  };

  it('leads to the addresses that were checked, in the form that is asked for', async () => {
    const both = ['1.1.1.1', '2606:4700::1111'];
    expect(await asked(both)).toEqual([
      { address: '1.1.1.1', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ]);
    expect(await asked(both, { all: false })).toBe('1.1.1.1');
  });

  it('is refused where one of its addresses is private', async () => {
    await expect(asked(['1.1.1.1', '10.0.0.1'])).rejects.toMatchObject({ code: 'address-refused' });
    await expect(asked(['10.0.0.1'], {})).rejects.toMatchObject({ code: 'address-refused' });
  });

  it('is resolved anew and judged anew for each connection: who answers otherwise the second time is refused', async () => {
    const answers = ['1.1.1.1', '127.0.0.1'];
    const lookup = checkedLookup(STRICT, (_name, _options, callback) => {
      callback(null, [{ address: answers.shift() ?? '', family: 4 }]);
    });
    const ask = () =>
      new Promise((resolve, reject) => {
        lookup('hooks.example.org', {}, (error, answer) => (error ? reject(error) : resolve(answer)));
      });
    expect(await ask()).toBe('1.1.1.1');
    await expect(ask()).rejects.toMatchObject({ code: 'address-refused' });
  });
});
