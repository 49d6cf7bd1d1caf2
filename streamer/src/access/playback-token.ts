import type { KeyObject } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { documentIdSchema, TOKEN_AUDIENCE, TOKEN_ISSUER } from '../../../server/contracts';
import type { TrustedKeys } from './trusted-keys';

const TYPE = 'protected-vod-playback+jwt';

const headerSchema = z.object({ alg: z.literal('EdDSA'), typ: z.literal(TYPE), kid: z.string().max(64) });

const claimsSchema = z.object({
  jti: z.uuid(),
  iat: z.number().int(),
  exp: z.number().int(),
  vid: documentIdSchema,
  pro: z.array(z.string().max(16)).max(16),
});

export type PlaybackClaims = z.infer<typeof claimsSchema>;

export type TokenCheck = { kind: 'genuine' | 'expired'; claims: PlaybackClaims } | { kind: 'forged' };

export interface TokenVerifier {
  /**
   * The claims of a compact JWS whose header names a key we hold. Cheap and UNVERIFIED: good for refusing early,
   * never for permitting. Null: no token of ours.
   */
  peek(token: string): PlaybackClaims | null;
  /**
   * Checks signature, algorithm, type, issuer, audience and expiry. `expired` means all but the expiry holds (S11: such a
   * token may only bring back the client already bound). Never throws. Whether the token was redeemed before is unchecked.
   */
  verify(token: string): Promise<TokenCheck>;
}

function parseJson(part: string | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined; // Not JSON is not a token; the schemas refuse undefined.
  }
}

/** Tokens are signed asymmetrically (S3): this side can check every one and make none. */
export function createTokenVerifier(keys: Pick<TrustedKeys, 'find'>): TokenVerifier {
  function keyOf(token: string): KeyObject | null {
    const header = headerSchema.safeParse(parseJson(token.split('.')[0]));
    return header.success ? keys.find(header.data.kid) : null;
  }

  function peek(token: string): PlaybackClaims | null {
    if (keyOf(token) === null) return null;
    const claims = claimsSchema.safeParse(parseJson(token.split('.')[1]));
    return claims.success ? claims.data : null;
  }

  async function verify(token: string): Promise<TokenCheck> {
    const key = keyOf(token);
    if (key === null) return { kind: 'forged' };
    // RFC 8725 §3.1, §3.8, §3.9, §3.11: one algorithm, fixed issuer, audience and type.
    const rules = {
      algorithms: ['EdDSA'],
      typ: TYPE,
      issuer: TOKEN_ISSUER,
      audience: TOKEN_AUDIENCE,
      requiredClaims: ['exp', 'iat', 'jti'],
    };
    let payload: unknown;
    let kind: 'genuine' | 'expired' = 'genuine';
    try {
      payload = (await jwtVerify(token, key, rules)).payload;
    } catch (error) {
      // Thrown only after the signature and every other claim have passed.
      if (!(error instanceof errors.JWTExpired)) return { kind: 'forged' };
      payload = error.payload;
      kind = 'expired';
    }
    const claims = claimsSchema.safeParse(payload);
    return claims.success ? { kind, claims: claims.data } : { kind: 'forged' };
  }

  return { peek, verify };
}
