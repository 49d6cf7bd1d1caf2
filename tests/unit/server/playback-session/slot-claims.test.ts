import { describe, expect, it } from 'vitest';
import { parseSessionRow } from '../../../../server/src/services/playback-session/row';
import { createSlotClaims } from '../../../../server/src/services/playback-session/slot-claims';

const CONCURRENCY = { subject: 'user:1', limit: 1, atLimit: 'end-oldest' } as const;

const rowOf = (tokenId: string) =>
  parseSessionRow({
    document_id: 'd',
    token_id: tokenId,
    session_hash: `${tokenId}-hash`,
    salt: 's',
    origin_kind: 'user',
    origin_id: '1',
    api_token: null,
    role: null,
    subject_attributes: null,
    subject_mark: null,
    video: 'v',
    locale: null,
    asset: 'a',
    client_prefix: '203.0.113.0/24',
    client_agent: 'b',
    state: 'active',
    epoch: 0,
    generation: 0,
    lease_due: 0,
    started_at: 0,
    last_seen_at: 0,
  });

/** One place for which others are faster `losses` times: each takes it just before, and opens its session at once. */
function contest(losses: number) {
  let others = 0;
  let holder: string | null = 'other-0';
  let isWatching = true;
  const claims = createSlotClaims({
    slots: {
      ofAll: async () => new Map(),
      of: async () => (holder === null ? [] : [{ number: 1, tokenId: holder, ageMs: 0 }]),
      async take(_subject, _number, tokenId) {
        const isLost = others < losses;
        if (isLost) others += 1;
        holder ??= isLost ? `other-${others}` : tokenId;
        isWatching = true;
      },
      async release(tokenIds) {
        if (holder !== null && tokenIds.includes(holder)) holder = null;
      },
    },
    store: {
      findManyByTokenId: async ([tokenId = '']) => (tokenId === holder && isWatching ? [rowOf(tokenId)] : []),
      findByTokenId: async () => null,
      async end() {
        holder = null;
        isWatching = false;
        return 1;
      },
    },
    idleTimes: async () => new Map(),
    slotSilenceSeconds: () => 60,
  });
  return { claim: () => claims.claim('mine', CONCURRENCY), holder: () => holder };
}

describe('S9 a place for which many come at once', () => {
  it.each([0, 1, 5, 20])('is had by the one who lost it %i times', async (losses) => {
    const { claim, holder } = contest(losses);
    expect(await claim()).toBe(true);
    expect(holder()).toBe('mine');
  });

  it('is never left empty by one who gives up: nobody was ended for nothing', async () => {
    for (let losses = 25; losses < 40; losses += 1) {
      const { claim, holder } = contest(losses);
      const isMine = await claim();
      expect([losses, holder() === 'mine', holder() === null]).toEqual([losses, isMine, false]);
    }
  });
});
