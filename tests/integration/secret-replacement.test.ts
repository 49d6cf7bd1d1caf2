import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiToken, mintForSubject, tellChange } from '../support/external-subjects';
import {
  callInternal,
  hashOf,
  introspect,
  redeem,
  sessionHashFor,
  streamerKeysOf,
  syncingStreamer,
} from '../support/internal';
import { keysOf, kidOf } from '../support/key-rotation';
import { askForToken, mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { describeTwoNodes } from '../support/second-node';
import type { StrapiApp } from '../support/strapi-app';

const NEW_SECRET = randomBytes(32).toString('base64');

let site: PublishedSite;

/** The first round of a replacement: the new secret is accepted, the old one is still in use. */
beforeAll(async () => {
  site = await startPublishedSite({ env: { PROTECTED_VOD_PREVIOUS_SECRET: NEW_SECRET } });
});

afterAll(() => site.app.stop());

const newToken = async (node: { url: string } = site.app): Promise<string> =>
  (await mint({ ...site.app, ...node }, site.video, site.viewer.jwt)).token;

describe('a site that accepts a second secret', () => {
  it('signs with the one in use, and tells streamers the keys of both', async () => {
    const { keys } = await syncingStreamer(site.app)([]);
    expect(kidOf(await newToken())).toBe(keysOf(site.app).keyring().kid);
    expect(Object.keys(keys?.publicKeys ?? {})).toHaveLength(2);
    expect(new Set(keys?.tagKeys).size).toBe(2);
  });

  it('renews sessions of both, and ends those of a secret that is gone, which restarted streamers still hold', async () => {
    const sessions = () => site.app.strapi.db.getConnection('protected_vod_sessions');
    const open = async () => hashOf((await redeem(site.app, await newToken())).sessionId);
    const [previous, gone] = [await open(), await open()];
    const { token_id: tokenId, salt } = await sessions().where({ session_hash: previous }).first();
    const session = sessionHashFor(site.app, tokenId, salt, 1);
    await sessions().where({ session_hash: previous }).update({ session_hash: session });
    // With another salt no key of the site makes this id.
    await sessions().where({ session_hash: gone }).update({ salt: 'other' });
    // As when Strapi has been restarted.
    await site.app.strapi.plugin('protected-vod').service('playback-session').store.markDue({});
    const { results } = await syncingStreamer(site.app)([{ session }, { session: gone }]);
    expect(results.map(({ state }) => state)).toEqual(['renewed', 'ended']);
    expect(await sessions().where({ session_hash: gone }).first()).toMatchObject({
      state: 'ended',
      end_reason: 'secret-replaced',
    });
  });

  it('tells streamers no credential and nothing that signs', async () => {
    const told = JSON.stringify((await syncingStreamer(site.app)([])).keys);
    expect(told).not.toContain(streamerKeysOf(site.app).credential);
    expect(told).not.toContain(String(keysOf(site.app).keyring().signingKey.export({ format: 'jwk' }).d));
  });
});

describeTwoNodes(
  'while one secret replaces the other, node by node',
  (second) => {
    const other = () => ({ ...site.app, ...second });

    it('each node signs with its own, and takes the tokens of the other', async () => {
      const [here, there] = [await newToken(), await newToken(second)];
      expect(kidOf(there)).not.toBe(kidOf(here));
      expect((await introspect(other(), here)).active).toBe(true);
      expect((await introspect(site.app, there)).active).toBe(true);
    });

    it.each(['old', 'new'])('a session that began under the %s secret goes on at both nodes', async (began) => {
      const [first, then] = began === 'old' ? [site.app, other()] : [other(), site.app];
      const token = await newToken(first);
      const { sessionId } = await redeem(first, token);
      for (const credential of [token, sessionId]) {
        expect(await introspect(then, credential)).toMatchObject({ active: true, sessionId });
        expect(await introspect(first, credential)).toMatchObject({ active: true, sessionId });
      }
      const { results } = await syncingStreamer(then)([{ session: hashOf(sessionId) }]);
      expect(results.map(({ state }) => state)).not.toContain('ended');
    });

    it('a change of a subject that is told to one node is known to the other, and the latest counts', async () => {
      const shop = await createApiToken(site.app);
      const subject = { id: randomUUID(), role: 'subscriber', attributes: {} };
      const tokenAt = async (node: StrapiApp) => (await mintForSubject(node, site.video, shop, subject)).token;
      for (const [told, asked] of [
        [site.app, other()],
        [other(), site.app],
        [other(), site.app],
      ] as const) {
        const before = [await tokenAt(told), await tokenAt(asked)];
        await tellChange(told, shop, subject.id, { attributes: {} });
        for (const token of before) expect((await introspect(asked, token)).active).toBe(false);
        expect((await introspect(told, await tokenAt(asked))).active).toBe(true);
      }
    });

    it('a streamer with the old keys file is known at the new node, and learns what counts there', async () => {
      const { credential } = streamerKeysOf(site.app);
      const empty = { bootId: crypto.randomUUID(), sequence: 1, sessions: [] };
      expect((await callInternal(other(), 'sync', empty, credential)).status).toBe(200);
      const [here, there] = [await syncingStreamer(site.app)([]), await syncingStreamer(other())([])];
      expect(there.keys?.publicKeys).toEqual(here.keys?.publicKeys);
      expect(there.keys?.tagKeys.toSorted()).toEqual(here.keys?.tagKeys.toSorted());
    });
  },
  () => ({ PROTECTED_VOD_SECRET: NEW_SECRET, PROTECTED_VOD_PREVIOUS_SECRET: process.env.APP_KEYS ?? '' }),
);

describeTwoNodes(
  'while one node does not know the second secret yet',
  (second) => {
    it('a change of a subject that is told to either is known to the other, and the latest counts', async () => {
      const shop = await createApiToken(site.app);
      const subject = { id: randomUUID(), role: 'subscriber', attributes: {} };
      const unaware = { ...site.app, ...second };
      const tokenAt = async (node: StrapiApp) => (await mintForSubject(node, site.video, shop, subject)).token;
      for (const [told, asked] of [
        [site.app, unaware],
        [unaware, site.app],
        [site.app, unaware],
      ] as const) {
        const before = [await tokenAt(told), await tokenAt(asked)];
        await tellChange(told, shop, subject.id, { attributes: {} });
        for (const token of before) expect((await introspect(asked, token)).active).toBe(false);
        expect((await introspect(asked, await tokenAt(told))).active).toBe(true);
      }
    });
  },
  () => ({ PROTECTED_VOD_PREVIOUS_SECRET: undefined }),
);

describe('a second secret that is not fit for use', () => {
  beforeAll(async () => {
    await site.app.stop();
    site = await startPublishedSite({ env: { PROTECTED_VOD_PREVIOUS_SECRET: 'toBeModified1,toBeModified2' } });
  });

  it('S2 is refused as the first would be: no token, no introspection', async () => {
    const { status, code } = await askForToken(site.app, site.video, site.viewer.jwt);
    expect({ status, code }).toEqual({ status: 503, code: 'not-configured' });
    const asked = { bootId: crypto.randomUUID(), sequence: 1, sessions: [] };
    expect((await callInternal(site.app, 'sync', asked, 'x'.repeat(43))).status).toBe(403);
  });
});
