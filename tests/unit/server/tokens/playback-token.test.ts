import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { playbackTokenSchema } from '../../../../server/contracts';
import { deriveKeyring } from '../../../../server/src/tokens/keyring';
import { mintPlaybackToken, verifyPlaybackToken } from '../../../../server/src/tokens/playback-token';

const keyring = deriveKeyring('["material-one"]');
const keyOf = (kid: string) => (kid === keyring.kid ? keyring.verificationKey : null);
const claims = {
  video: 'abcdefghijklmnopqrstuvwx',
  locale: 'en',
  origin: { kind: 'user' as const, id: '7' },
  protocols: ['hls' as const],
  round: 3,
};

function crafted(header: Record<string, string | undefined>, payload: Record<string, unknown> = {}) {
  const named = { alg: 'EdDSA', typ: 'protected-vod-playback+jwt', kid: keyring.kid, ...header };
  return new SignJWT({ vid: claims.video, loc: null, org: claims.origin, pro: [], ...payload })
    .setProtectedHeader(named)
    .setIssuer('protected-vod')
    .setAudience('protected-vod-streamer')
    .setJti('0190f4c8-0000-7000-8000-000000000000')
    .setExpirationTime('1m');
}

const invalid = expect.objectContaining({ code: 'token-invalid' });

describe('playback tokens', () => {
  it('verify to the claims they were minted with', async () => {
    const { token } = await mintPlaybackToken(keyring, claims, 60);
    expect(playbackTokenSchema.parse(token)).toBe(token);
    const verified = await verifyPlaybackToken(keyOf, token);
    expect(verified).toMatchObject({ expired: false, claims });
  });

  it('have an id of their own each', async () => {
    const minted = await Promise.all(Array.from({ length: 50 }, () => mintPlaybackToken(keyring, claims, 60)));
    const ids = await Promise.all(minted.map(async ({ token }) => (await verifyPlaybackToken(keyOf, token)).claims));
    expect(new Set(ids.map((claim) => claim.tokenId)).size).toBe(50);
  });

  it('S11 are told apart as expired, with authentic claims, after their time', async () => {
    const { token } = await mintPlaybackToken(keyring, claims, -5);
    expect(await verifyPlaybackToken(keyOf, token)).toMatchObject({ expired: true, claims });
  });

  it('S3 of another key are refused, expired or not', async () => {
    const other = deriveKeyring('["material-two"]');
    for (const lifetime of [60, -5]) {
      const { token } = await mintPlaybackToken(other, claims, lifetime);
      await expect(verifyPlaybackToken(keyOf, token)).rejects.toEqual(invalid);
    }
  });

  it.each([undefined, 'another'])('of a key named %s are refused, though ours signed them', async (kid) => {
    const token = await crafted({ kid }).sign(keyring.signingKey);
    await expect(verifyPlaybackToken(keyOf, token)).rejects.toEqual(invalid);
    const named = await crafted({}).sign(keyring.signingKey);
    expect(await verifyPlaybackToken(keyOf, named)).toMatchObject({ expired: false });
  });

  it.each(['alg none', 'HS256 with the public key as its secret', 'RS256'])('%s is refused', async (name) => {
    const { token } = await mintPlaybackToken(keyring, claims, 60);
    const [, payload = '', signature = ''] = token.split('.');
    const header = (alg: string) =>
      Buffer.from(JSON.stringify({ alg, typ: 'protected-vod-playback+jwt', kid: keyring.kid })).toString('base64url');
    const publicKey = Buffer.from(String(keyring.verificationKey.export({ format: 'jwk' }).x), 'base64url');
    const forged: Record<string, () => Promise<string>> = {
      'alg none': async () => `${header('none')}.${payload}.${signature}`,
      'HS256 with the public key as its secret': () => crafted({ alg: 'HS256' }).sign(publicKey),
      RS256: () => crafted({ alg: 'RS256' }).sign(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
    };
    await expect(verifyPlaybackToken(keyOf, (await forged[name]?.()) ?? '')).rejects.toEqual(invalid);
  });

  it('another type of ours is not taken for a playback token (RFC 8725 §3.11)', async () => {
    const token = await crafted({ typ: 'protected-vod-upload+jwt' }).sign(keyring.signingKey);
    await expect(verifyPlaybackToken(keyOf, token)).rejects.toEqual(invalid);
  });

  it.each([{ vid: '../x' }, { org: { kind: 'root' } }, { pro: ['smb'] }])('claims %j are refused', async (payload) => {
    const token = await crafted({}, payload).sign(keyring.signingKey);
    await expect(verifyPlaybackToken(keyOf, token)).rejects.toEqual(invalid);
  });
});
