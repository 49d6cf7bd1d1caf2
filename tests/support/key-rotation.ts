import type { KeyObject } from 'node:crypto';
import { randomUUID } from 'node:crypto';
import { decodeProtectedHeader, SignJWT } from 'jose';
import type { StrapiApp } from './strapi-app';

const TABLE = 'protected_vod_key_rotations';

interface SigningKey {
  kid: string;
  signingKey: KeyObject;
}

interface Keys {
  keyring(): SigningKey;
  tokenKeys(): Promise<{ signing: SigningKey; publicKeys: Record<string, string> }>;
  rotate(overlapSeconds?: number): Promise<{ kid: string; signsInSeconds: number; overlapSeconds: number }>;
}

export const keysOf = (app: StrapiApp): Keys => app.strapi.plugin('protected-vod').service('keys');

/** As if the rotations had been asked for so much earlier; nodes notice within seconds. */
export async function ageRotations(app: StrapiApp, seconds: number): Promise<void> {
  await app.strapi.db.connection(TABLE).decrement('rotated_at', seconds * 1000);
}

export const rotationRows = (app: StrapiApp): Promise<Record<string, unknown>[]> =>
  app.strapi.db.connection(TABLE).select('*');

export const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? '';

/** What somebody could make who has stolen a signing key: a token for one user and video that is good for an hour. */
export function forgeToken({ kid, signingKey }: SigningKey, video: string, userId: number): Promise<string> {
  return new SignJWT({ vid: video, loc: null, org: { kind: 'user', id: String(userId) }, pro: ['hls', 'mp4'] })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'protected-vod-playback+jwt', kid })
    .setIssuer('protected-vod')
    .setAudience('protected-vod-streamer')
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(signingKey);
}
