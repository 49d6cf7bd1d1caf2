import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { CONTROL_KEY_LABEL, type ControlNonces, type ControlPurpose, controlTranscript } from '../../contracts';

export interface ControlKey {
  sign(purpose: ControlPurpose, nonces: ControlNonces): string;
  /** In constant time. */
  verify(purpose: ControlPurpose, nonces: ControlNonces, proof: string): boolean;
  /** A name that only who holds the key can tell. */
  name(text: string): string;
}

/** Derived from the streamer's credential; the streamer derives the same. */
export function deriveControlKey(credential: string): ControlKey {
  const key = Buffer.from(hkdfSync('sha256', Buffer.from(credential, 'base64url'), '', CONTROL_KEY_LABEL, 32));
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return {
    sign: (purpose, nonces) => digest(controlTranscript(purpose, nonces)).toString('base64url'),
    verify(purpose, nonces, proof) {
      const given = Buffer.from(proof, 'base64url');
      const right = digest(controlTranscript(purpose, nonces));
      return given.length === right.length && timingSafeEqual(given, right);
    },
    name: (text) => digest(`name ${text}`).toString('base64url').slice(0, 8),
  };
}
