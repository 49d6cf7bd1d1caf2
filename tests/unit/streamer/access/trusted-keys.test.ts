import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { deriveTagKey } from '../../../../streamer/src/access/session-tag';
import { createTrustedKeys } from '../../../../streamer/src/access/trusted-keys';
import { makeSessionId } from '../../../support/stand-in-plugin';
import { until } from '../../../support/until';
import { type Site, startSite } from './harness';

const newCredential = (): string => randomBytes(32).toString('base64url');
const newPair = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { privateKey, x: String(publicKey.export({ format: 'jwk' }).x) };
};
const tagKeyOf = (credential: string): string => deriveTagKey(credential).toString('base64url');

describe('trusted keys', () => {
  it('are those of the start until the plugin tells others, and then those alone', () => {
    const [old, next] = [newPair(), newPair()];
    const credential = newCredential();
    const keys = createTrustedKeys({ credential, publicKeys: { old: old.x } });
    expect([keys.find('old') !== null, keys.find('next'), keys.informed]).toEqual([true, null, false]);
    keys.learn({ publicKeys: { old: old.x, next: next.x }, tagKeys: [tagKeyOf(credential)] });
    expect([keys.find('old') !== null, keys.find('next') !== null, keys.informed]).toEqual([true, true, true]);
    keys.learn({ publicKeys: { next: next.x }, tagKeys: [tagKeyOf(credential)] });
    expect([keys.find('old'), keys.find('next') !== null]).toEqual([null, true]);
  });

  it('tags of every secret that counts are ours', () => {
    const [mine, other] = [newCredential(), newCredential()];
    const keys = createTrustedKeys({ credential: mine, publicKeys: {} });
    expect([keys.hasTag(makeSessionId(mine)), keys.hasTag(makeSessionId(other))]).toEqual([true, false]);
    keys.learn({ publicKeys: {}, tagKeys: [tagKeyOf(other), tagKeyOf(mine)] });
    expect([keys.hasTag(makeSessionId(mine)), keys.hasTag(makeSessionId(other))]).toEqual([true, true]);
  });

  it.each([undefined, null, 'x', { publicKeys: { k: 'short' }, tagKeys: [] }, { publicKeys: {}, tagKeys: [] }])(
    '%j changes nothing',
    (answered) => {
      const pair = newPair();
      const keys = createTrustedKeys({ credential: newCredential(), publicKeys: { old: pair.x } });
      keys.learn(answered);
      expect([keys.find('old') !== null, keys.informed]).toEqual([true, true]);
    },
  );
});

describe('a streamer whose plugin rotates', () => {
  let site: Site;
  afterEach(() => site.stop());

  const statusOf = async (token: string): Promise<number> => (await site.ask(`/v/${token}/mp4`)).status;

  it('learns the new key from a sync, without restart, and serves what runs, whatever becomes of its key', async () => {
    site = await startSite();
    const { publicKeys, credential } = site.plugin.keys;
    const next = newPair();
    const { token, sessionId } = await site.open();
    const mintNext = () => site.plugin.mint({ key: next.privateKey, header: { kid: 'k2' } });
    await until('it knows what counts', async () => (await statusOf(await mintNext())) === 403);

    const tagKeys = [tagKeyOf(credential)];
    site.plugin.keyList = { publicKeys: { ...publicKeys, k2: next.x }, tagKeys };
    await until('tokens of the new key are good', async () => (await statusOf(await mintNext())) === 302);
    expect(await statusOf(await site.plugin.mint())).toBe(302);

    site.plugin.keyList = { publicKeys: { k2: next.x }, tagKeys };
    await until('tokens of the old key are not', async () => (await statusOf(await site.plugin.mint())) === 403);
    expect(await statusOf(await mintNext())).toBe(302);
    expect((await site.ask(`/v/${sessionId}/mp4`)).status).toBe(200);
    // A player that comes back to the token's address for each request is in a session as well.
    expect(await statusOf(token)).toBe(302);
  });

  it('that has just begun asks for patience where it cannot know the key yet', async () => {
    site = await startSite({
      prepare: (plugin) => {
        plugin.faults.sync = 'hang';
      },
    });
    const unknown = await site.plugin.mint({ key: newPair().privateKey, header: { kid: 'k2' } });
    for (const credential of [unknown, makeSessionId(newCredential())]) {
      const { status, headers } = await site.ask(`/v/${credential}/mp4`);
      expect([status, headers['retry-after'], headers.location]).toEqual([503, '1', undefined]);
    }
    expect(await statusOf(await site.plugin.mint())).toBe(302);
    expect(site.plugin.introspections).toHaveLength(1);

    delete site.plugin.faults.sync;
    await until('it knows what counts', async () => (await statusOf(unknown)) === 403);
    expect((await site.ask(`/v/${makeSessionId(newCredential())}/mp4`)).status).toBe(403);
  });
});
