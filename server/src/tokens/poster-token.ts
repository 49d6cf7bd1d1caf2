import { jwtVerify, SignJWT } from 'jose';
import { POSTER_TOKEN_TYPE, posterClaimsSchema, TOKEN_AUDIENCE, TOKEN_ISSUER } from '../../contracts';
import { VodError } from '../errors';
import type { KeyFinder } from './playback-token';
import type { TokenKey } from './token-key';

/** Whose poster: an entry in one locale (null: the default one). */
export interface PosterClaims {
  video: string;
  locale: string | null;
}

/**
 * Signs a poster's credential. The same key, claims and expiry give the same text, so that a streamer which knows the answer to
 * it does not ask again.
 */
export async function mintPosterToken(
  key: TokenKey,
  { video, locale }: PosterClaims,
  expiresAt: Date,
): Promise<string> {
  return new SignJWT({ vid: video, loc: locale })
    .setProtectedHeader({ alg: 'EdDSA', typ: POSTER_TOKEN_TYPE, kid: key.kid })
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setExpirationTime(expiresAt)
    .sign(key.signingKey);
}

/** Checks signature, type, issuer, audience and expiry. Throws `VodError` `token-invalid`. Whether the entry is published is unchecked. */
export async function verifyPosterToken(keyOf: KeyFinder, token: string): Promise<PosterClaims> {
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        const key = kid === undefined ? null : keyOf(kid);
        if (key === null) throw new VodError('token-invalid', 'The credential is of no key that counts.');
        return key;
      },
      // RFC 8725 §3.1, §3.8, §3.9, §3.11.
      {
        algorithms: ['EdDSA'],
        typ: POSTER_TOKEN_TYPE,
        issuer: TOKEN_ISSUER,
        audience: TOKEN_AUDIENCE,
        requiredClaims: ['exp'],
      },
    );
    const { vid, loc } = posterClaimsSchema.parse(payload);
    return { video: vid, locale: loc };
  } catch (cause) {
    throw new VodError('token-invalid', 'The credential does not verify.', { cause });
  }
}
