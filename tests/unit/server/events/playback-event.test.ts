import { describe, expect, it } from 'vitest';
import { vodEventSchema } from '../../../../server/contracts';
import { type AuditEvent, newRecord } from '../../../../server/src/services/audit/event';
import { playbackEvent, refusalsEvent } from '../../../../server/src/services/events/playback-event';

const facts = {
  origin: { kind: 'user', id: '7' },
  role: 'subscriber',
  video: 'v'.repeat(24),
  locale: 'en',
  asset: 'a'.repeat(24),
  session: 's'.repeat(24),
  clientPrefix: '203.0.113.0/24',
};
const eventOf = (event: AuditEvent) => {
  const found = playbackEvent(newRecord(event, Date.UTC(2026, 0, 31)));
  // Nothing besides, either.
  if (found !== null) expect(vodEventSchema.parse(found)).toEqual(found);
  return found;
};

describe('an event', () => {
  it('of an end tells why, and how much was sent', () => {
    const usage = { bytes: 5, mediaSeconds: 2.5 };
    const event = eventOf({ kind: 'end', ...facts, reason: 'user-blocked', usage });
    expect(event).toMatchObject({
      type: 'playback.ended',
      timestamp: '2026-01-31T00:00:00.000Z',
      data: { session: facts.session, user: facts.origin, reason: 'user-blocked', bytes: 5, mediaSeconds: 2.5 },
    });
  });

  it('of a refusal names the rule, and says nothing in its words', () => {
    const rule = { name: 'office-hours', reason: 'order 12 of alice@example.test was refunded' };
    const event = eventOf({ kind: 'refusal', ...facts, reason: 'rule-denied', rule });
    expect(event).toMatchObject({ type: 'playback.refused', data: { rule: 'office-hours', count: 1 } });
    expect(JSON.stringify(event)).not.toContain('alice');
  });

  it.each(['redemption', 'end', 'refusal'] as const)('of a %s tells no network', (kind) => {
    expect(JSON.stringify(eventOf({ kind, ...facts }))).not.toContain('203.0.113');
  });

  it('of a refusal names no user who may not exist', () => {
    expect(eventOf({ kind: 'refusal', ...facts, reason: 'caller-unknown' })).toMatchObject({
      data: { user: { kind: 'user', id: null } },
    });
  });

  it('of a role that was made up names the API token that did; of a session whose role went, its subject', () => {
    const about = { ...facts, origin: { kind: 'subject', id: '7:!ann' }, reason: 'role-unknown' };
    expect(eventOf({ kind: 'refusal', ...about })).toMatchObject({ data: { user: { kind: 'api-token', id: '7' } } });
    expect(eventOf({ kind: 'end', ...about })).toMatchObject({ data: { user: { kind: 'subject', id: '7:Ann' } } });
  });

  it('of refusals that are told by number names nothing', () => {
    expect(vodEventSchema.parse(refusalsEvent(12))).toMatchObject({
      data: { count: 12, user: null, video: null, reference: null, reason: null },
    });
  });

  it.each(['upload', 'replacement', 'deletion', 'restore', 'take-over', 'unknown-credentials', 'lost'] as const)(
    'is made of no %s',
    (kind) => {
      expect(eventOf({ kind, ...facts })).toBeNull();
    },
  );
});
