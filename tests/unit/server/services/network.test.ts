import { describe, expect, it } from 'vitest';
import { corsOrigins, internalUrl, ownOrigins, publicBaseUrl } from '../../../../server/src/services/network';

const address = (host: string, family = 'IPv4') => ({ address: host, family, port: 1337 });

describe('public address of the streamer', () => {
  const site = {
    mode: 'managed',
    publicUrl: undefined,
    serverUrl: '',
    requestOrigin: 'http://localhost:1337',
  } as const;
  it.each([
    [site, 'http://localhost:1337/protected-vod/stream'],
    [{ ...site, serverUrl: 'https://cms.example' }, 'https://cms.example/protected-vod/stream'],
    [{ ...site, serverUrl: 'https://example.com/cms/' }, 'https://example.com/cms/protected-vod/stream'],
    [{ ...site, serverUrl: '/cms' }, 'http://localhost:1337/cms/protected-vod/stream'],
    [{ ...site, publicUrl: 'https://video.example/' }, 'https://video.example'],
    [{ ...site, mode: 'external', publicUrl: 'https://video.example/a/' } as const, 'https://video.example/a'],
  ])('%o gives %s', (addresses, expected) => {
    expect(publicBaseUrl(addresses)).toBe(expected);
  });

  it('an external streamer without a public address is not configured', () => {
    expect(() => publicBaseUrl({ ...site, mode: 'external' })).toThrow(
      expect.objectContaining({ code: 'not-configured' }),
    );
  });
});

describe('internal address of the plugin', () => {
  const site = { configured: undefined, listener: address('0.0.0.0'), restPrefix: '/api' };
  it.each([
    [site, 'http://127.0.0.1:1337/api/protected-vod/internal'],
    [
      { ...site, listener: address('::', 'IPv6'), restPrefix: '/rest' },
      'http://127.0.0.1:1337/rest/protected-vod/internal',
    ],
    [{ ...site, listener: address('::1', 'IPv6') }, 'http://[::1]:1337/api/protected-vod/internal'],
    [
      { ...site, configured: 'https://cms.example/api/protected-vod/internal/' },
      'https://cms.example/api/protected-vod/internal',
    ],
    [
      { ...site, configured: 'http://localhost:80/api/protected-vod/internal' },
      'http://localhost:80/api/protected-vod/internal',
    ],
  ])('%o gives %s', (addresses, expected) => {
    expect(internalUrl(addresses)).toBe(expected);
  });

  it.each([
    { ...site, configured: 'http://10.0.0.5:1337/api/protected-vod/internal' },
    { ...site, configured: 'ftp://127.0.0.1/' },
    { ...site, listener: address('10.0.0.5') },
    { ...site, listener: '/run/strapi.sock' },
    { ...site, listener: null },
  ])('S1 %o is refused, as the credential would leave this machine in the clear', (addresses) => {
    expect(() => internalUrl(addresses)).toThrow(expect.objectContaining({ code: 'internal-url-refused' }));
  });
});

describe('origins that may play', () => {
  const cors = (origin: unknown) => ['strapi::errors', { name: 'strapi::cors', config: { origin } }];
  it.each([
    ['those configured', ['https://a.example'], cors('*'), ['https://a.example']],
    ['none configured: none', [], cors('*'), []],
    ['Strapi as it comes', undefined, ['strapi::cors'], ['*']],
    ['Strapi without a configured origin', undefined, [{ name: 'strapi::cors' }], ['*']],
    ['a list of Strapi', undefined, cors(['https://a.example', 'https://a.example']), ['https://a.example']],
    [
      'a text of Strapi',
      undefined,
      cors('https://a.example, https://b.example'),
      ['https://a.example', 'https://b.example'],
    ],
    ['a function of Strapi: none', undefined, cors(() => '*'), []],
    ['Strapi without CORS: none', undefined, ['strapi::errors'], []],
  ])('S20 %s', (_name, configured, middlewares, expected) => {
    expect(corsOrigins({ configured, middlewares })).toEqual(expected);
  });

  it.each([
    ['https://cms.example/base', ['https://cms.example']],
    ['', []],
    [undefined, []],
  ])('S20 the own pages at %j add %j', (ownUrl, expected) => {
    expect(ownOrigins(ownUrl)).toEqual(expected);
  });
});
