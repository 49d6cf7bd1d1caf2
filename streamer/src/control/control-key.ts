import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  CONTROL_KEY_LABEL,
  type ControlNonces,
  type ControlPurpose,
  controlTranscript,
} from '../../../server/contracts';

export interface ControlKey {
  sign(purpose: ControlPurpose, nonces: ControlNonces): string;
  /** In constant time. */
  verify(purpose: ControlPurpose, nonces: ControlNonces, proof: string): boolean;
}

/** Derived from the streamer's credential; the plugin derives the same. */
export function deriveControlKey(credential: string): ControlKey {
  const key = Buffer.from(hkdfSync('sha256', Buffer.from(credential, 'base64url'), '', CONTROL_KEY_LABEL, 32));
  const digest = (purpose: ControlPurpose, nonces: ControlNonces): Buffer =>
    createHmac('sha256', key).update(controlTranscript(purpose, nonces)).digest();
  return {
    sign: (purpose, nonces) => digest(purpose, nonces).toString('base64url'),
    verify(purpose, nonces, proof) {
      const given = Buffer.from(proof, 'base64url');
      const right = digest(purpose, nonces);
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}

export function newNonce(): string {
  return randomBytes(32).toString('base64url');
}
