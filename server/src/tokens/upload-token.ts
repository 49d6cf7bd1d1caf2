import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { VodError } from '../errors';

const ISSUER = 'protected-vod';
const AUDIENCE = 'protected-vod-upload';
const TYPE = 'protected-vod-upload+jwt';

export const uploadIdSchema = z.string().regex(/^[0-9a-f]{32}$/);

const claimsSchema = z.object({
  exp: z.number().int(),
  jti: uploadIdSchema,
  sub: z.string().min(1).max(64),
  nam: z.string().min(1).max(255),
  len: z.number().int().positive(),
  fol: z.number().int().positive().nullable(),
  // Tokens of an earlier version have none.
  rep: z.number().int().positive().nullable().default(null),
});

/** What one upload token permits: this admin, this upload, this name, this many bytes, into this folder or in place of this file. */
export interface UploadClaims {
  uploadId: string;
  adminId: string;
  fileName: string;
  sizeBytes: number;
  folderId: number | null;
  /** Of the Media Library file whose film it replaces; null: it becomes a file of its own. */
  replaces: number | null;
}

/** Of a token that was found to be good. */
export interface VerifiedUpload extends UploadClaims {
  /** Of the token, and so of the upload; milliseconds since the epoch. */
  expiresAt: number;
}

/** Signs an upload token (HS256: whoever verifies it is whoever signed it). */
export async function mintUploadToken(key: Uint8Array, claims: UploadClaims, lifetimeSeconds: number): Promise<string> {
  return new SignJWT({ nam: claims.fileName, len: claims.sizeBytes, fol: claims.folderId, rep: claims.replaces })
    .setProtectedHeader({ alg: 'HS256', typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(claims.adminId)
    .setJti(claims.uploadId)
    .setIssuedAt()
    .setExpirationTime(`${lifetimeSeconds}s`)
    .sign(key);
}

/**
 * Checks signature, type, audience and expiry. Whether the admin may still upload has not been checked. Throws
 * `VodError` with code `upload-token-invalid`.
 */
export async function verifyUploadToken(key: Uint8Array, token: string): Promise<VerifiedUpload> {
  try {
    // RFC 8725 §3.1, §3.9, §3.11: algorithm, audience and type are fixed, never taken from the token.
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      typ: TYPE,
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['exp', 'jti', 'sub'],
    });
    const { exp, jti, sub, nam, len, fol, rep } = claimsSchema.parse(payload);
    const film = { fileName: nam, sizeBytes: len, folderId: fol, replaces: rep };
    return { uploadId: jti, adminId: sub, ...film, expiresAt: exp * 1000 };
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof z.ZodError) {
      throw new VodError('upload-token-invalid', 'The upload token is invalid or has expired.', { cause: error });
    }
    throw error;
  }
}
