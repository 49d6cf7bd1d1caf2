import type { Client, ClientBinding } from '../../../contracts';

export interface HandOverRules {
  binding: ClientBinding;
  silenceSeconds: number;
  maxTakeOvers: number;
}

export interface Contest {
  bound: Client;
  comer: Client;
  /** Since the bound client's last activity. */
  idleMs: number;
  /** Take-overs so far. */
  takeOvers: number;
}

export type HandOver = 'same-client' | 'take-over' | 'refuse' | 'end-session';

/**
 * One client at a time (DESIGN §5.3). An address prefix is a client, whatever its user agent: AirPlay, Cast and media
 * loaders bring their own. The same user agent elsewhere is a device that changed networks and takes over at once; a
 * stranger waits for silence. Deters sharing; it is not DRM. A policy may bind a session to its first client for good, or
 * to none.
 */
export function judgeHandOver(contest: Contest, rules: HandOverRules): HandOver {
  const { bound, comer, idleMs, takeOvers } = contest;
  if (bound.addressPrefix === comer.addressPrefix || rules.binding === 'none') return 'same-client';
  if (rules.binding === 'address-prefix') return 'refuse';
  const moved = bound.agent === comer.agent;
  if (!moved && idleMs < rules.silenceSeconds * 1000) return 'refuse';
  return takeOvers < rules.maxTakeOvers ? 'take-over' : 'end-session';
}
