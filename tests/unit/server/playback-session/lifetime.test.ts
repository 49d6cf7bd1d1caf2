import { describe, expect, it } from 'vitest';
import type { GrantedAsset } from '../../../../server/contracts';
import { parseConfig } from '../../../../server/src/config';
import type { Allowance } from '../../../../server/src/services/entitlement/decision';
import { judgeSession } from '../../../../server/src/services/playback-session/judgement';
import type { SessionRow } from '../../../../server/src/services/playback-session/row';
import { sitePolicy } from '../../../../server/src/services/role-policies/effective-policy';

const HOUR_MS = 3_600_000;
const site = parseConfig({ session: { pauseAllowanceSeconds: 1800, maxLifetimeSeconds: 24 * 3600 } });

const film: GrantedAsset = {
  id: 'a',
  contentVersion: '12345678',
  fileName: 'film.mp4',
  mime: 'video/mp4',
  durationSeconds: 3600,
  renditions: [{ id: 'source', storageKey: 'film.mp4', sizeBytes: 1 }],
};

function row(startedMsAgo: number, seenMsAgo: number): SessionRow {
  const now = Date.now();
  return {
    document_id: 'd',
    token_id: 't',
    session_hash: 'h',
    salt: 's',
    origin_kind: 'user',
    origin_id: '1',
    api_token: null,
    subject_attributes: {},
    subject_mark: null,
    role: 'subscriber',
    video: 'v',
    locale: null,
    asset: 'a',
    client_prefix: '203.0.113.0/24',
    client_agent: '0000000000000000',
    state: 'active',
    epoch: 0,
    generation: 0,
    lease_due: 0,
    started_at: now - startedMsAgo,
    last_seen_at: now - seenMsAgo,
  };
}

function allowance(policy: object): Allowance {
  const effective = { ...sitePolicy(site), ...policy };
  return {
    allow: true,
    role: 'subscriber',
    locale: null,
    asset: film,
    protocols: effective.protocols,
    download: true,
    policy: effective,
    concurrency: null,
    views: null,
    validUntil: null,
    posterUrl: null,
  };
}

/** What becomes of a session; `heardMsAgo`: when a streamer last heard of its client. */
async function judge(session: SessionRow, policy: object = {}, heardMsAgo = Date.now() - session.last_seen_at) {
  const asked: number[] = [];
  const judgement = await judgeSession(session, {
    decide: async () => allowance(policy),
    session: site.session,
    silence: {
      since: session.last_seen_at,
      ms: async () => {
        asked.push(heardMsAgo);
        return heardMsAgo;
      },
    },
  });
  return { judgement, asked: asked.length };
}

describe('a session without a policy', () => {
  it('lives while its client has been silent for less than the film and the pause allowance', async () => {
    expect((await judge(row(2 * HOUR_MS, 1.49 * HOUR_MS))).judgement.outcome).toBe('renew');
  });
  it('is over after that', async () => {
    const { judgement } = await judge(row(2 * HOUR_MS, 1.5 * HOUR_MS));
    expect(judgement).toMatchObject({ outcome: 'end', reason: 'session-silent' });
  });
  it('slides: it lives as long as its client is active', async () => {
    expect((await judge(row(23 * HOUR_MS, 0))).judgement.outcome).toBe('renew');
    expect((await judge(row(23 * HOUR_MS, 10 * HOUR_MS), {}, HOUR_MS)).judgement.outcome).toBe('renew');
  });
  it('S13 ends at its absolute end all the same', async () => {
    const { judgement } = await judge(row(24 * HOUR_MS, 0));
    expect(judgement).toMatchObject({ outcome: 'end', reason: 'session-lifetime-over' });
  });
  it('costs no look at what the streamers heard while its row is young', async () => {
    expect((await judge(row(2 * HOUR_MS, HOUR_MS))).asked).toBe(0);
  });
});

describe('a session under a policy', () => {
  it('is over after the silence that the policy sets, shorter or longer', async () => {
    expect((await judge(row(HOUR_MS, 61_000), { sessionLifetimeSeconds: 60 })).judgement.outcome).toBe('end');
    expect((await judge(row(9 * HOUR_MS, 8 * HOUR_MS), { sessionLifetimeSeconds: 9 * 3600 })).judgement.outcome).toBe(
      'renew',
    );
  });
  it('S13 ends when the policy says, however active it is', async () => {
    const { judgement } = await judge(row(HOUR_MS, 0), { sessionMaxLifetimeSeconds: 3600 });
    expect(judgement).toMatchObject({ outcome: 'end', reason: 'session-lifetime-over' });
  });
  it('S13 is decided again at its end, not after its lease', async () => {
    const { judgement } = await judge(row(HOUR_MS - 3000, 0), { sessionMaxLifetimeSeconds: 3600 });
    const due = judgement.outcome === 'renew' ? judgement.leaseDue - Date.now() : Number.NaN;
    expect(due).toBeGreaterThan(0);
    expect(due).toBeLessThanOrEqual(3000);
  });
});
