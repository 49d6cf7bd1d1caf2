import { v7 as uuidV7 } from 'uuid';
import type { VodEvent } from '../../../contracts';
import { type AuditRecord, originOfEvent } from '../audit/event';
import { shownParty, storedId } from '../person';

/** Field by field: what the audit learns to tell some day must not reach strangers by itself. */
function playbackOf({ event }: AuditRecord) {
  const { session = null, role = null, video = null, locale = null, asset = null } = event;
  const party = originOfEvent(event);
  return { session, user: party && shownParty(party.kind, storedId(party)), role, video, locale, asset };
}

const envelope = (at: number) => ({ id: uuidV7(), timestamp: new Date(at).toISOString() });

/** What a record of the audit means to other code; null: nothing. */
export function playbackEvent(record: AuditRecord): VodEvent | null {
  const { event, reference, at } = record;
  const { reason = null, rule, usage } = event;
  switch (event.kind) {
    case 'redemption':
      return { ...envelope(at), type: 'playback.started', data: playbackOf(record) };
    case 'end': {
      const { bytes = 0, mediaSeconds = 0 } = usage ?? {};
      const data = { ...playbackOf(record), reason, bytes, mediaSeconds };
      return { ...envelope(at), type: 'playback.ended', data };
    }
    case 'refusal': {
      const data = { ...playbackOf(record), reference, reason, rule: rule?.name ?? null, count: 1 };
      return { ...envelope(at), type: 'playback.refused', data };
    }
    default:
      return null;
  }
}

/** Refusals that were too many to be told one by one. */
export function refusalsEvent(count: number): VodEvent {
  const nothing = { session: null, user: null, role: null, video: null, locale: null, asset: null };
  const data = { ...nothing, reference: null, reason: null, rule: null, count };
  return { ...envelope(Date.now()), type: 'playback.refused', data };
}
