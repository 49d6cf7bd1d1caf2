import { createHmac, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTokenVerifier, type TokenVerifier } from '../../../../streamer/src/access/playback-token';
import { createTrustedKeys } from '../../../../streamer/src/access/trusted-keys';
import { type MintOptions, type StandInPlugin, startStandInPlugin } from '../../../support/stand-in-plugin';

describe('S3 a playback token', () => {
  let plugin: StandInPlugin;
  let verifier: TokenVerifier;
  beforeAll(async () => {
    plugin = await startStandInPlugin();
    verifier = createTokenVerifier(createTrustedKeys(plugin.keys));
  });
  afterAll(() => plugin.stop());

  it('of the plugin is genuine', async () => {
    expect(await verifier.verify(await plugin.mint())).toMatchObject({ kind: 'genuine', claims: { vid: 'video1' } });
  });

  it('is told apart when only its time is over', async () => {
    expect(await verifier.verify(await plugin.mint({ expiresInSeconds: -5 }))).toMatchObject({ kind: 'expired' });
  });

  const stranger = generateKeyPairSync('ed25519').privateKey;
  it.each<[string, MintOptions]>([
    ['signed by a stranger', { key: stranger }],
    ['expired and signed by a stranger', { key: stranger, expiresInSeconds: -5 }],
    ['of another issuer', { claims: { iss: 'other' } }],
    ['for another audience', { claims: { aud: 'upload' } }],
    ['expired and for another audience', { claims: { aud: 'upload' }, expiresInSeconds: -5 }],
    ['of another type', { header: { typ: 'JWT' } }],
    ['with an unknown key id', { header: { kid: 'k2' } }],
    ['without a key id', { header: { kid: undefined } }],
    ['without expiry', { claims: { exp: undefined } }],
    ['without id', { claims: { jti: undefined } }],
    ['with an id that is no uuid', { claims: { jti: 'x' } }],
    ['with a malformed video', { claims: { vid: '../x' } }],
    ['with malformed protocols', { claims: { pro: 'hls' } }],
  ])('%s is forged', async (_what, options) => {
    expect(await verifier.verify(await plugin.mint(options))).toEqual({ kind: 'forged' });
  });

  it.each([
    ['none', ''],
    ['HS256', 'hmac'],
  ])('whose header claims %s is forged, also with the public key as secret', async (alg, how) => {
    const header = { alg, typ: 'protected-vod-playback+jwt', kid: 'k1' };
    const payload = (await plugin.mint()).split('.')[1] ?? '';
    const signed = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}`;
    const secret = Buffer.from(plugin.keys.publicKeys.k1 ?? '', 'base64url');
    const signature = how === '' ? 'AA' : createHmac('sha256', secret).update(signed).digest('base64url');
    expect(verifier.peek(`${signed}.${signature}`)).toBeNull();
    expect(await verifier.verify(`${signed}.${signature}`)).toEqual({ kind: 'forged' });
  });

  it.each(['a.b.c', '..', 'eyJ9.eyJ9.x', `${'A'.repeat(2000)}.A.A`])(
    '%j is no token and costs no signature check',
    (text) => {
      expect(verifier.peek(text)).toBeNull();
    },
  );
});
