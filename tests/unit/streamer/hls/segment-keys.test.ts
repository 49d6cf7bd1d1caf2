import { createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { GrantedAsset, HlsEncryption } from '../../../../server/contracts';
import { encryptedParts, encryptedSize } from '../../../../streamer/src/hls/segment-cipher';
import { trackKeys } from '../../../../streamer/src/hls/segment-keys';

const asset: GrantedAsset = {
  id: 'asset1',
  contentVersion: 'version-0001',
  fileName: 'film.mp4',
  mime: 'video/mp4',
  durationSeconds: 60,
  renditions: [{ id: 'source', storageKey: 'films/film.mp4', sizeBytes: 1 }],
};
const encryption = (fill: number, segmentsPerKey = 10): HlsEncryption => ({
  secret: Buffer.alloc(32, fill).toString('base64url'),
  segmentsPerKey,
});
const key = (number: number, { of = encryption(1), track = 'source-v1', film = asset } = {}) =>
  trackKeys(of, film, track).key(number);

describe('segment keys', () => {
  it('are HKDF-SHA-256 of the session’s secret, as any streamer derives it (RFC 5869)', () => {
    const info = JSON.stringify(['protected-vod/hls-segment-key', 'asset1', 'version-0001', 'source-v1', 3]);
    const extracted = createHmac('sha256', Buffer.alloc(32)).update(Buffer.alloc(32, 1)).digest();
    const first = createHmac('sha256', extracted).update(`${info}\x01`).digest();
    expect(Buffer.concat([key(3).key, key(3).iv])).toEqual(first);
  });

  it('differ by session, asset, content version, track and number, and so do their IVs', () => {
    const all = [
      key(1),
      key(2),
      key(1, { of: encryption(2) }),
      key(1, { track: 'source-a1' }),
      key(1, { film: { ...asset, id: 'asset2' } }),
      key(1, { film: { ...asset, contentVersion: 'version-0002' } }),
    ];
    expect(new Set(all.flatMap(({ key: secret, iv }) => [secret.toString('hex'), iv.toString('hex')])).size).toBe(12);
    expect(new Set(all.map(({ etagOf }) => etagOf('"s1"'))).size).toBe(6);
    for (const { key: secret, iv } of all) expect([secret.length, iv.length]).toEqual([16, 16]);
  });

  it('change with every segmentsPerKey-th segment', () => {
    const { keyNumberOf } = trackKeys(encryption(1, 3), asset, 'source-v1');
    expect([1, 2, 3, 4, 6, 7].map(keyNumberOf)).toEqual([1, 1, 1, 2, 2, 3]);
    expect([1, 2, 3].map(trackKeys(encryption(1, 1), asset, 'source-v1').keyNumberOf)).toEqual([1, 2, 3]);
  });
});

describe('an encrypted segment', () => {
  it.each([0, 1, 15, 16, 17, 262_143, 262_144, 262_145, 700_000])('of %d bytes is read with its key', (size) => {
    const clear = randomBytes(size);
    const sent = Buffer.concat([...encryptedParts(clear, key(1))]);
    expect(sent).toHaveLength(encryptedSize(size));
    const decipher = createDecipheriv('aes-128-cbc', key(1).key, key(1).iv);
    expect(Buffer.concat([decipher.update(sent), decipher.final()]).equals(clear)).toBe(true);
  });

  it('is garbage under any other key', () => {
    const clear = Buffer.alloc(1000, 'film');
    const sent = Buffer.concat([...encryptedParts(clear, key(1))]);
    for (const other of [key(2), key(1, { of: encryption(2) }), key(1, { track: 'source-a1' })]) {
      const decipher = createDecipheriv('aes-128-cbc', other.key, key(1).iv).setAutoPadding(false);
      expect(decipher.update(sent).includes('film')).toBe(false);
    }
  });
});
