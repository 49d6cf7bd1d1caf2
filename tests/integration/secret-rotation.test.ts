import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashOf, introspect, redeem, syncingStreamer } from '../support/internal';
import { ageRotations, forgeToken, keysOf, kidOf, rotationRows } from '../support/key-rotation';
import { mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { runCommand } from '../support/run-command';
import { describeTwoNodes } from '../support/second-node';
import { until } from '../support/until';

let site: PublishedSite;

beforeAll(async () => {
  site = await startPublishedSite();
});

afterAll(() => site.app.stop());

const newToken = async (node: { url: string } = site.app): Promise<string> =>
  (await mint({ ...site.app, ...node }, site.video, site.viewer.jwt)).token;
const signs = async (): Promise<string> => kidOf(await newToken());
const toldKids = async (node?: { url: string }): Promise<string[]> =>
  Object.keys((await syncingStreamer(site.app)([], { ...(node && { node }) })).keys?.publicKeys ?? {});

/** Rotates, and lets so much time pass that the new key signs. */
async function rotateAndWait(): Promise<{ before: string; after: string }> {
  const before = await signs();
  const { kid: after } = await keysOf(site.app).rotate();
  await ageRotations(site.app, 20);
  await until('the new key signs', async () => (await signs()) === after);
  return { before, after };
}

describe('protected-vod secret rotate', () => {
  it('prints the name of the new key, which is made known before it signs', async () => {
    const old = await signs();
    const { code, out, err } = await runCommand(site.app, ['secret', 'rotate']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [, kid = ''] = /^key (\S+) signs in 20 s; older tokens are good for 600 s more\n$/.exec(out) ?? [];
    expect(kid).toMatch(/^[A-Za-z0-9_-]{11}$/);
    expect((await toldKids()).toSorted()).toEqual([old, kid].toSorted());
    expect(await signs()).toBe(old);
    await ageRotations(site.app, 20);
    await until('the new key signs', async () => (await signs()) === kid);
    await site.app.strapi.plugin('protected-vod').service('audit').flush();
    const told = site.app.strapi.db.query('plugin::protected-vod.audit-event');
    expect(await told.findMany({ where: { kind: 'key-rotation' } })).toMatchObject([
      { reason: 'rotated-by-operator', originKind: null, actor: null },
    ]);
  });

  it.each(['59', '604801'])('an overlap of %s seconds is refused and rotates nothing', async (seconds) => {
    const rows = await rotationRows(site.app);
    const { code, out, err } = await runCommand(site.app, ['secret', 'rotate', '--overlap', seconds]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe('protected-vod: The overlap must be at least token.lifetimeSeconds, and at most a week.\n');
    expect(await rotationRows(site.app)).toEqual(rows);
  });

  it('an overlap that is no number is wrong usage', async () => {
    expect((await runCommand(site.app, ['secret', 'rotate', '--overlap', 'soon'])).code).toBe(2);
  });

  it('what the database keeps is a number, a random salt, a time and an overlap', async () => {
    for (const row of await rotationRows(site.app)) {
      expect(Object.keys(row).toSorted()).toEqual(
        expect.arrayContaining(['number', 'overlap_ms', 'rotated_at', 'salt'].toSorted()),
      );
      const { d } = (await keysOf(site.app).tokenKeys()).signing.signingKey.export({ format: 'jwk' });
      expect(JSON.stringify(row)).not.toContain(String(d));
      expect(String(row.salt)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    }
  });
});

describe('across a rotation', () => {
  it('tokens of the old key open sessions during the overlap and none after it; those of the new one do', async () => {
    const stolen = (await keysOf(site.app).tokenKeys()).signing;
    const forge = () => forgeToken(stolen, site.video, site.viewer.id);
    const minted = await newToken();
    const { before } = await rotateAndWait();
    expect(before).toBe(stolen.kid);
    expect((await introspect(site.app, minted)).active).toBe(true);
    // Good as long as the key is, and the proof that its expiry is not what ends it.
    expect((await introspect(site.app, await forge())).active).toBe(true);

    await ageRotations(site.app, 600);
    await until('the old key is told no more', async () => !(await toldKids()).includes(before));
    expect(await introspect(site.app, await forge())).toEqual({ active: false, final: true });
    expect((await introspect(site.app, await newToken())).active).toBe(true);
  });

  it('a running session goes on, at introspection and at sync, though its token is good no more', async () => {
    const token = await newToken();
    const { sessionId } = await redeem(site.app, token);
    const { before } = await rotateAndWait();
    await ageRotations(site.app, 600);
    await until('the old key is told no more', async () => !(await toldKids()).includes(before));
    expect(await introspect(site.app, token)).toEqual({ active: false, final: true });
    expect(await introspect(site.app, sessionId)).toMatchObject({ active: true, sessionId });
    const { results } = await syncingStreamer(site.app)([{ session: hashOf(sessionId) }]);
    expect(results.map(({ state }) => state)).not.toContain('ended');
  });

  it('a token that was redeemed before leads to the same session during the overlap', async () => {
    const token = await newToken();
    const { sessionId } = await redeem(site.app, token);
    await rotateAndWait();
    expect(await introspect(site.app, token)).toMatchObject({ active: true, sessionId });
  });
});

describeTwoNodes('on two nodes', (second) => {
  it('the other node learns the key before it signs, and each takes the tokens of the other', async () => {
    const { kid } = await keysOf(site.app).rotate();
    await until('the other node tells it', async () => (await toldKids(second)).includes(kid));
    expect(kidOf(await newToken(second))).not.toBe(kid);
    await ageRotations(site.app, 20);
    for (const node of [site.app, second]) {
      await until('it signs with the new key', async () => kidOf(await newToken(node)) === kid);
    }
    expect((await introspect({ ...site.app, ...second }, await newToken(site.app))).active).toBe(true);
    expect((await introspect(site.app, await newToken(second))).active).toBe(true);
  });

  it('the old key ends on both', async () => {
    const stolen = (await keysOf(site.app).tokenKeys()).signing;
    await rotateAndWait();
    await ageRotations(site.app, 600);
    for (const node of [site.app, second]) {
      await until('it tells the old key no more', async () => !(await toldKids(node)).includes(stolen.kid));
      const forged = await forgeToken(stolen, site.video, site.viewer.id);
      expect((await introspect({ ...site.app, ...node }, forged)).active).toBe(false);
    }
  });

  it('rotations that are asked for at once leave both nodes with the same keys', async () => {
    await Promise.all(Array.from({ length: 5 }, () => keysOf(site.app).rotate()));
    const numbers = (await rotationRows(site.app)).map(({ number }) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
    const here = (await toldKids()).toSorted();
    await until(
      'the other node tells the same',
      async () => String((await toldKids(second)).toSorted()) === String(here),
    );
  });
});
