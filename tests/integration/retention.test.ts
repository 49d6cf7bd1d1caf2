import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditPageSchema } from '../../server/contracts';
import { askAsAdmin } from '../support/admin-rest';
import { hashOf, introspect, LAPTOP, redeem } from '../support/internal';
import { askForToken, mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { describeTwoNodes } from '../support/second-node';
import { createAdminWith, createSiteUser, type SiteUser } from '../support/strapi-accounts';
import { until } from '../support/until';

const SESSIONS = 'protected_vod_sessions';
const HOLDERS = 'protected_vod_session_holders';
const SLOTS = 'protected_vod_session_slots';
const EVENTS = 'protected_vod_audit_events';
const DAY_MS = 24 * 3600 * 1000;

let site: PublishedSite;

beforeAll(async () => {
  site = await startPublishedSite({
    pluginConfig: { session: { retentionDays: 7, maxConcurrent: 5 }, audit: { retentionDays: 30 } },
  });
});

afterAll(() => site.app.stop());

const table = (name: string) => site.app.strapi.db.getConnection(name);
const service = (name: string) => site.app.strapi.plugin('protected-vod').service(name);
const newViewer = () => createSiteUser(site.app, site.role);
const countOf = async (name: string, where: object) => Number((await table(name).where(where).count('* as n'))[0]?.n);

async function watch(viewer: SiteUser) {
  const { token } = await mint(site.app, site.video, viewer.jwt);
  const { sessionId } = await redeem(site.app, token);
  const session = hashOf(sessionId);
  const row = await table(SESSIONS).where({ session_hash: session }).first();
  return { token, sessionId, session, row };
}

/** The audit of one user, as an administrator reads it; also writes what waits. */
async function auditOf(viewer: SiteUser) {
  const { body } = await askAsAdmin(site.app, site.editor, `/audit?user=${viewer.id}&limit=200`);
  return auditPageSchema.parse(body).data;
}

describe('the daily sweep', () => {
  it('deletes audit rows past their retention and no younger ones', async () => {
    const viewer = await newViewer();
    for (let at = 0; at < 3; at += 1) await watch(viewer);
    const rows = await auditOf(viewer);
    const age = (reference: string | undefined, days: number) =>
      table(EVENTS)
        .where({ reference })
        .update({ at: Date.now() - days * DAY_MS });
    await age(rows[0]?.reference, 30.1);
    await age(rows[1]?.reference, 29.9);
    await service('retention').sweep();
    expect((await auditOf(viewer)).map(({ reference }) => reference)).toEqual(
      [rows[1], rows[2]].map((row) => row?.reference),
    );
  });

  it('deletes ended sessions past their retention with all that hangs on them, and no running ones', async () => {
    const viewer = await newViewer();
    const [old, young, running] = [await watch(viewer), await watch(viewer), await watch(viewer)];
    for (const { session } of [old, young]) await service('playback-session').store.end(session, 'for-a-test');
    const age = ({ session }: typeof old, days: number) =>
      table(SESSIONS)
        .where({ session_hash: session })
        .update({ ended_at: Date.now() - days * DAY_MS });
    await age(old, 7.1);
    await age(young, 6.9);
    await age(running, 100);
    // What a crash between two deletions left.
    await table(SLOTS).insert({
      document_id: 'left',
      subject: 'user:x',
      slot: 1,
      token_id: old.row.token_id,
      taken_at: 1,
    });
    expect(await countOf(HOLDERS, { session_hash: old.session })).toBe(1);
    await service('retention').sweep();
    const left = async ({ session, row }: typeof old) => ({
      session: await countOf(SESSIONS, { session_hash: session }),
      holders: await countOf(HOLDERS, { session_hash: session }),
      slots: await countOf(SLOTS, { token_id: row.token_id }),
    });
    expect(await left(old)).toEqual({ session: 0, holders: 0, slots: 0 });
    expect(await left(young)).toEqual({ session: 1, holders: 1, slots: 0 });
    expect(await left(running)).toEqual({ session: 1, holders: 1, slots: 1 });
  });

  it('deletes thousands in batches, also where several nodes do it at once', async () => {
    const at = Date.now() - 40 * DAY_MS;
    const row = (number: number) => ({
      reference: `OLD${String(number).padStart(9, '0')}`,
      document_id: `old${number}`,
      kind: 'redemption',
      at,
      last_at: at,
      count: 1,
    });
    for (let from = 0; from < 2600; from += 200) {
      await table(EVENTS).insert(Array.from({ length: 200 }, (_, index) => row(from + index)));
    }
    const swept = await Promise.all([1, 2, 3].map(() => service('retention').sweep()));
    expect(await countOf(EVENTS, { at })).toBe(0);
    expect(swept.reduce((sum: number, { events }) => sum + events, 0)).toBeGreaterThanOrEqual(2600);
  });
});

describe('the hourly sweep', () => {
  it('ends sessions past their lifetime that no streamer asks about, once, with an audit row', async () => {
    const viewer = await newViewer();
    const [old, young] = [await watch(viewer), await watch(viewer)];
    await table(SESSIONS)
      .where({ session_hash: old.session })
      .update({ started_at: Date.now() - 25 * 3_600_000 });
    await Promise.all([service('retention').endOverdue(), service('retention').endOverdue()]);
    expect(await table(SESSIONS).where({ session_hash: old.session }).first()).toMatchObject({
      state: 'ended',
      end_reason: 'session-lifetime-over',
    });
    expect(await countOf(SESSIONS, { session_hash: young.session, state: 'active' })).toBe(1);
    const ends = (await auditOf(viewer)).filter(({ kind }) => kind === 'end');
    expect(ends).toMatchObject([{ reason: 'session-lifetime-over', session: old.row.document_id }]);
  });
});

/** Everything of the plugin's tables in one text. */
async function everything(): Promise<string> {
  await service('audit').flush();
  const rows = await Promise.all([SESSIONS, HOLDERS, SLOTS, EVENTS].map((name) => table(name).select()));
  return JSON.stringify(rows);
}

/** How often the tables name the user. */
async function namings(viewer: SiteUser): Promise<number> {
  await service('audit').flush();
  const where = { origin_kind: 'user', origin_id: String(viewer.id) };
  const slots = await countOf(SLOTS, { subject: `user:${viewer.id}` });
  return (await countOf(SESSIONS, where)) + (await countOf(EVENTS, where)) + slots;
}

async function leaveTraces(viewer: SiteUser) {
  const [ended, running] = [await watch(viewer), await watch(viewer)];
  await service('playback-session').store.end(ended.session, 'for-a-test');
  await introspect(site.app, running.token, LAPTOP, 0);
  await askForToken(site.app, 'neverwasneverwasneverwas', viewer.jwt);
  return { ended, running };
}

describe('one person’s data', () => {
  it('GET subjects/user/:id streams the sessions and audit rows of that user and of nobody else', async () => {
    const [viewer, other] = [await newViewer(), await newViewer()];
    const { ended, running } = await leaveTraces(viewer);
    await leaveTraces(other);
    const { status, text } = await askAsAdmin(site.app, site.editor, `/subjects/user/${viewer.id}`);
    expect(status).toBe(200);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(new Set(lines.map(({ user }) => user.id))).toEqual(new Set([String(viewer.id)]));
    const sessions = lines.filter(({ type }) => type === 'session').map(({ id }) => id);
    expect(sessions.toSorted()).toEqual([ended, running].map(({ row }) => row.document_id).toSorted());
    const events = lines.filter(({ type }) => type === 'event').map(({ kind }) => kind);
    expect(events.toSorted()).toEqual(['end', 'redemption', 'redemption', 'refusal', 'refusal']);
  });

  it('DELETE subjects/user/:id ends what runs, and no row names the user or where they were', async () => {
    const [viewer, other] = [await newViewer(), await newViewer()];
    const { running } = await leaveTraces(viewer);
    await leaveTraces(other);
    const others = await namings(other);
    const words = { rule_reason: 'refunded to Bob' };
    await table(EVENTS)
      .where({ origin_kind: 'user', origin_id: String(viewer.id) })
      .update(words);
    const before = await countOf(EVENTS, {});
    const erased = await askAsAdmin(site.app, site.editor, `/subjects/user/${viewer.id}`, { method: 'DELETE' });
    expect(erased.body).toEqual({ data: { sessions: 2, events: 6 } });
    expect(await namings(viewer)).toBe(0);
    expect(await namings(other)).toBe(others);
    expect(await countOf(EVENTS, words)).toBe(0);
    expect(await table(SESSIONS).where({ session_hash: running.session }).first()).toMatchObject({
      state: 'ended',
      end_reason: 'subject-erased',
      client_prefix: '',
      client_agent: '',
    });
    // The rows stay: one more end, and the erasure itself; the export is empty.
    expect(await countOf(EVENTS, {})).toBe(before + 2);
    expect((await askAsAdmin(site.app, site.editor, `/subjects/user/${viewer.id}`)).text).toBe('');
    expect((await askAsAdmin(site.app, site.editor, '/sessions?limit=200')).status).toBe(200);
  });

  it('an erasure is told with who did it; whose it was it does not name, not even where they erase themselves', async () => {
    const viewer = await newViewer();
    const own = await createAdminWith(site.app, [{ action: 'plugin::protected-vod.subjects.erase' }]);
    const erase = { method: 'DELETE' };
    await askAsAdmin(site.app, own, `/subjects/user/${viewer.id}`, erase);
    const last = async () => table(EVENTS).where({ kind: 'erasure' }).orderBy('id', 'desc').first();
    const told = { kind: 'erasure', origin_id: null, reason: 'subject-erased' };
    expect(await last()).toMatchObject({ ...told, origin_kind: 'user', actor: `admin:${own.id}` });
    await askAsAdmin(site.app, own, `/subjects/admin/${own.id}`, erase);
    expect(await last()).toMatchObject({ ...told, origin_kind: 'admin', actor: 'admin:' });
    expect(await countOf(EVENTS, { actor: `admin:${own.id}` })).toBe(0);
    const { body } = await askAsAdmin(site.app, site.editor, '/audit?kind=erasure&limit=2');
    expect(auditPageSchema.parse(body).data.map(({ user, actor }) => [user, actor])).toEqual([
      [
        { kind: 'admin', id: null },
        { kind: 'admin', id: null },
      ],
      [
        { kind: 'user', id: null },
        { kind: 'admin', id: null },
      ],
    ]);
  });

  it('a spent token stays spent after the erasure, and its refusal names nobody', async () => {
    const viewer = await newViewer();
    const { token, sessionId } = await watch(viewer);
    await askAsAdmin(site.app, site.editor, `/subjects/user/${viewer.id}`, { method: 'DELETE' });
    for (const credential of [token, sessionId]) {
      expect(await introspect(site.app, credential)).toEqual({ active: false, final: true });
    }
    await service('audit').flush();
    expect(await namings(viewer)).toBe(0);
  });

  it('the deletion of a user does the same, and a token of theirs names nobody afterwards', async () => {
    const viewer = await newViewer();
    const { token: unspent } = await mint(site.app, site.video, viewer.jwt);
    const { running } = await leaveTraces(viewer);
    const answer = await fetch(
      `${site.app.url}/content-manager/collection-types/plugin::users-permissions.user/${(await site.app.strapi.db.query('plugin::users-permissions.user').findOne({ where: { id: viewer.id } })).documentId}`,
      { method: 'DELETE', headers: { authorization: `Bearer ${site.editor.token}` } },
    );
    expect(answer.status).toBe(200);
    await until('no row names the user', async () => (await namings(viewer)) === 0);
    expect(await table(SESSIONS).where({ session_hash: running.session }).first()).toMatchObject({
      state: 'ended',
      end_reason: 'user-deleted',
    });
    const erasure = { kind: 'erasure', reason: 'user-deleted', actor: `admin:${site.editor.id}` };
    await until('the erasure is told', async () => (await countOf(EVENTS, erasure)) === 1);
    expect(await introspect(site.app, unspent)).toMatchObject({ active: false });
    await service('audit').flush();
    expect(await namings(viewer)).toBe(0);
  });

  it('the deletion of many users erases each of them', async () => {
    const viewers = [await newViewer(), await newViewer()];
    for (const viewer of viewers) await watch(viewer);
    await site.app.strapi.db
      .query('plugin::users-permissions.user')
      .deleteMany({ where: { id: { $in: viewers.map(({ id }) => id) } } });
    for (const viewer of viewers) await until('no row names the user', async () => (await namings(viewer)) === 0);
  });

  it('to export and to erase are different rights, and neither comes with the audit', async () => {
    const erase = { method: 'DELETE' };
    const reader = await createAdminWith(site.app, [{ action: 'plugin::protected-vod.subjects.read' }]);
    const auditor = await createAdminWith(site.app, [{ action: 'plugin::protected-vod.audit.read' }]);
    expect((await askAsAdmin(site.app, reader, '/subjects/user/999999')).status).toBe(200);
    expect((await askAsAdmin(site.app, reader, '/subjects/user/999999', erase)).status).toBe(403);
    expect((await askAsAdmin(site.app, auditor, '/subjects/user/999999')).status).toBe(403);
    expect((await askAsAdmin(site.app, site.editor, '/subjects/user/a%20b', erase)).status).toBe(400);
  });

  it('no table holds a token, an e-mail or a whole address', async () => {
    const text = await everything();
    expect(text).not.toMatch(/eyJ|ps_[A-Za-z0-9_-]{20}|127\.0\.0\.1|@example\.test/);
  });
});

describeTwoNodes('one person’s data on two nodes', (node) => {
  it('the erasure by one reaches what the other has not written yet', async () => {
    const viewer = await newViewer();
    const { token } = await watch(viewer);
    const before = await countOf(EVENTS, { reason: 'client-mismatch' });
    await introspect({ ...site.app, ...node }, token, LAPTOP, 0);
    await askAsAdmin(site.app, site.editor, `/subjects/user/${viewer.id}`, { method: 'DELETE' });
    expect(await countOf(EVENTS, { reason: 'client-mismatch' })).toBe(before + 1);
    expect(await namings(viewer)).toBe(0);
  });
});
