import { describe, expect, it } from 'vitest';
import { gateAddresses, siteAddresses } from '../../../../server/src/services/doctor/leaks/addresses';
import { exposes } from '../../../../server/src/services/doctor/leaks/exposure';

const HEAD = Buffer.from('00000020667479706d70343200000000', 'hex');
const film = {
  assetId: 'k3vqk3vqk3vqk3vqk3vqk3vq',
  fileName: 'Film 1.mp4',
  key: 'library/Courses/Film 1.mp4',
  head: HEAD,
  files: [{ id: 1, documentId: 'abc', name: 'Film 1.mp4', hash: 'Film_1_0a1b', ext: '.mp4' }],
  videos: [],
};

describe('the addresses of a film', () => {
  const addresses = siteAddresses(film, '.protected-vod');

  it.each([
    '/uploads/Film_1_0a1b.mp4',
    '/uploads/Film%201.mp4',
    '/.protected-vod/library/Courses/Film%201.mp4',
    '/uploads/..%2f..%2f.protected-vod/library/Courses/Film%201.mp4',
    '/uploads/../../.protected-vod/library/Courses/Film%201.mp4',
    '/protected-vod/stream/..%2flibrary/Courses/Film%201.mp4',
  ])('%s is among them', (address) => {
    expect(addresses).toContain(address);
  });

  it('are not many, and all may be sent as they are', () => {
    expect(addresses.length).toBeLessThan(60);
    for (const address of [...addresses, ...gateAddresses()]) expect(address).toMatch(/^\/[\x21-\x7e]*$/);
  });
});

describe('an answer', () => {
  const answer = (status: number, type: string, body: Buffer | string) => ({ status, type, body: Buffer.from(body) });

  it.each([
    ['the film, whatever it is called', answer(200, 'text/plain', Buffer.concat([HEAD, Buffer.alloc(100)]))],
    ['the film in a refusal', answer(404, 'text/html', HEAD)],
    ['some film', answer(206, 'video/mp4', 'anything')],
    ['a playlist', answer(200, 'text/plain', '#EXTM3U\n#EXT-X-VERSION:7\n')],
    ['metadata of a film', answer(200, 'application/json', '{"version":1,"storageKey":"library/x.mp4"}')],
    ['metrics of the streamer', answer(200, 'text/plain', '# HELP protected_vod_sessions\n')],
  ])('that is %s exposes it', async (_name, given) => {
    expect(await exposes(given, HEAD)).toBe(true);
  });

  it.each([
    ['a refusal', answer(403, 'text/plain', 'Forbidden\n')],
    ['a page for any address', answer(200, 'text/html', '<!doctype html><title>Site</title>')],
    ['nothing', answer(204, '', '')],
    ['a refusal that is typed as a film', answer(404, 'video/mp4', 'Not Found')],
  ])('that is %s does not', async (_name, given) => {
    expect(await exposes(given, HEAD)).toBe(false);
  });
});
