import type { KeyObject } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { v7 as uuidV7 } from 'uuid';
import { z } from 'zod';
import { documentIdSchema, PROTOCOLS, TOKEN_AUDIENCE, TOKEN_ISSUER } from '../../contracts';
import { VodError } from '../errors';
import { subjectOriginSchema } from './subject-origin';
import type { TokenKey } from './token-key';

const TYPE = 'protected-vod-playback+jwt';

/**
 * Who a token was minted for; remembered by the session and looked up again at each lease (S8). `apiToken`: the
 * full-access API token that asked in the user's name. `admin`: an editor who previews.
 */
export const originSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('user'), id: z.string().max(64), apiToken: z.string().max(64).exactOptional() }),
  z.object({ kind: z.literal('public') }),
  z.object({ kind: z.literal('api-token'), id: z.string().max(64) }),
  subjectOriginSchema,
  z.object({ kind: z.literal('admin'), id: z.string().max(64) }),
  z.object({ kind: z.literal('guest-link'), id: z.string().max(64) }),
]);

const claimsSchema = z.object({
  jti: z.uuid(),
  vid: documentIdSchema,
  loc: z.string().max(32).nullable(),
  org: originSchema,
  pro: z.array(z.enum(PROTOCOLS)),
  rnd: z.number().int().min(0).default(0),
});

export type Origin = z.infer<typeof originSchema>;

export interface PlaybackClaims {
  tokenId: string;
  video: string;
  locale: string | null;
  origin: Origin;
  protocols: z.infer<typeof claimsSchema>['pro'];
  /** How often sessions of the caller or the video had been ended (see `TokenRounds`). */
  round: number;
}

/** Signs a playback token. Pure computation: no row is written until the token is redeemed. */
export async function mintPlaybackToken(
  key: TokenKey,
  claims: Omit<PlaybackClaims, 'tokenId'>,
  lifetimeSeconds: number,
): Promise<{ token: string; expiresAt: Date }> {
  const expiresAt = new Date(Date.now() + lifetimeSeconds * 1000);
  const { video: vid, locale: loc, origin: org, protocols: pro, round: rnd } = claims;
  const token = await new SignJWT({ vid, loc, org, pro, rnd })
    // RFC 8725 §3.11: an explicit type keeps our other signed strings from being taken for playback tokens.
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid: key.kid })
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setJti(uuidV7())
    .setIssuedAt()
    .setExpirationTime(expiresAt)
    .sign(key.signingKey);
  return { token, expiresAt };
}

function claimsFrom(payload: unknown): PlaybackClaims {
  const parsed = claimsSchema.safeParse(payload);
  if (!parsed.success) throw new VodError('token-invalid', 'The token lacks a claim.', { cause: parsed.error });
  const { jti, vid, loc, org, pro, rnd } = parsed.data;
  return { tokenId: jti, video: vid, locale: loc, origin: org, protocols: pro, round: rnd };
}

/** The public key of that name, if its tokens are good now. */
export type KeyFinder = (kid: string) => KeyObject | null;

/**
 * Checks signature, type, issuer and audience. An expired token is returned as such: it may still lead the client that
 * redeemed it back to its session (S11). Throws `VodError` with code `token-invalid` for everything else.
 */
export async function verifyPlaybackToken(
  keyOf: KeyFinder,
  token: string,
): Promise<{ claims: PlaybackClaims; expired: boolean }> {
  const find = ({ kid }: { kid?: string }): KeyObject => {
    const key = kid === undefined ? null : keyOf(kid);
    if (key === null) throw new VodError('token-invalid', 'The token is of no key that counts.');
    return key;
  };
  try {
    const { payload } = await jwtVerify(token, find, {
      algorithms: ['EdDSA'],
      issuer: TOKEN_ISSUER,
      audience: TOKEN_AUDIENCE,
      typ: TYPE,
      requiredClaims: ['exp', 'jti'],
    });
    return { claims: claimsFrom(payload), expired: false };
  } catch (error) {
    // jose checks the signature before the claims, so an expired payload is authentic.
    if (error instanceof errors.JWTExpired) return { claims: claimsFrom(error.payload), expired: true };
    if (error instanceof VodError) throw error;
    throw new VodError('token-invalid', 'The token does not verify.', { cause: error });
  }
}
