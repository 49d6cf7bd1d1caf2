import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, IntrospectionResponse } from '../../server/contracts';
import { createApiToken, mintForSubject, tellChange } from '../support/external-subjects';
import { callInternal, hashOf, introspect, LAPTOP, PHONE, redeem, streamerSide } from '../support/internal';
import { mint } from '../support/minting';
import { startPublishedSite } from '../support/playback-site';
import { describeTwoNodes } from '../support/second-node';
import type { SiteUser } from '../support/strapi-accounts';
import type { StrapiApp } from '../support/strapi-app';
import { until } from '../support/until';

const SESSION = 'plugin::protected-vod.playback-session';
const HOLDER = 'plugin::protected-vod.session-holder';
/** The phone, in another network. */
const MOVED: Client = { addressPrefix: '192.0.2.0/24', agent: PHONE.agent };

let app: StrapiApp;
let viewer: SiteUser;
let video: string;

beforeAll(async () => {
  const pluginConfig = { hls: { encryption: 'aes-128', segmentsPerKey: 3 } };
  ({ app, viewer, video } = await startPublishedSite({ pluginConfig }));
});

afterAll(() => app.stop());

const tokenFor = async (user = viewer) => (await mint(app, video, user.jwt)).token;
const rowOf = (session: string) => app.strapi.db.query(SESSION).findOne({ where: { sessionHash: session } });
const holdersOf = (session: string) => app.strapi.db.query(HOLDER).findMany({ where: { sessionHash: session } });
const isGeneration = (session: string, generation: number) => async () =>
  (await rowOf(session)).generation === generation;

/** A session that the phone opened through streamer A. */
async function openThrough(a: ReturnType<typeof streamerSide>) {
  const answer = await a.introspect(await tokenFor());
  if (!answer.active) throw new Error('the token was refused');
  return { sessionId: answer.sessionId, session: hashOf(answer.sessionId) };
}

/** An answer that is still awaited, and whether it has come. */
function watching(answer: Promise<IntrospectionResponse>) {
  const watched = { hasCome: false, answer: answer.finally(() => (watched.hasCome = true)) };
  return watched;
}

describe('the secret of a session’s segment keys', () => {
  const SECRET = expect.stringMatching(/^[A-Za-z0-9_-]{43}$/);

  it('is told to every streamer alike, at every lease, and is another for another session', async () => {
    const [a, b] = [streamerSide(app), streamerSide(app)];
    const { sessionId, session } = await openThrough(a);
    const answers = [await a.introspect(sessionId), await b.introspect(sessionId)];
    await app.strapi.db.query(SESSION).updateMany({ where: { sessionHash: session }, data: { leaseDue: '0' } });
    const [renewed] = (await a.sync([{ session }])).results;
    const grants = [...answers, renewed].map((answer) => (answer && 'grant' in answer ? answer.grant : null));
    expect(grants[0]?.hlsEncryption).toEqual({ secret: SECRET, segmentsPerKey: 3 });
    expect(grants.map((grant) => grant?.hlsEncryption)).toEqual(Array(3).fill(grants[0]?.hlsEncryption));

    const other = await a.introspect((await openThrough(a)).sessionId);
    expect(other).toMatchObject({ active: true, grant: { hlsEncryption: { secret: SECRET } } });
    expect(other.active && other.grant.hlsEncryption?.secret).not.toBe(grants[0]?.hlsEncryption?.secret);
    expect(JSON.stringify(await rowOf(session))).not.toContain(grants[0]?.hlsEncryption?.secret);
  });
});

describe('S12 a hand-over from one streamer to another', () => {
  it('is served only after the streamer of the old client acknowledged it', async () => {
    const [a, b] = [streamerSide(app), streamerSide(app)];
    const { sessionId, session } = await openThrough(a);
    const asked = watching(b.introspect(sessionId, MOVED));
    await until('the session is bound anew', isGeneration(session, 1));
    // What A is told now shuts the old client out; that it was told is known from its next report.
    expect((await a.sync([{ session }])).results).toMatchObject([
      { state: 'renewed', grant: { client: MOVED, generation: 1 } },
    ]);
    expect(asked.hasCome).toBe(false);
    await a.sync([{ session, generation: 1 }]);
    expect(await asked.answer).toMatchObject({ active: true, grant: { client: MOVED, generation: 1 } });
  });

  it('is pending while the old streamer is silent, and served once its lease and grace ran out', async () => {
    const [a, b] = [streamerSide(app), streamerSide(app)];
    const { sessionId } = await openThrough(a);
    const refused = { active: false, final: false, pending: true };
    expect(await b.introspect(sessionId, MOVED)).toEqual(refused);
    expect(await b.introspect(sessionId, MOVED)).toEqual(refused);
    await app.strapi.db.query(HOLDER).updateMany({ where: { streamer: a.bootId }, data: { goodUntil: '1' } });
    expect(await b.introspect(sessionId, MOVED)).toMatchObject({ active: true, grant: { generation: 1 } });
  });

  it('binds a third streamer too: the new client waits there for the old one as well', async () => {
    const [a, b, c] = [streamerSide(app), streamerSide(app), streamerSide(app)];
    const { sessionId, session } = await openThrough(a);
    const throughB = watching(b.introspect(sessionId, MOVED));
    await until('the session is bound anew', isGeneration(session, 1));
    const throughC = watching(c.introspect(sessionId, MOVED));
    await a.sync([{ session }]);
    expect([throughB.hasCome, throughC.hasCome]).toEqual([false, false]);
    await a.sync([{ session, generation: 1 }]);
    expect(await throughB.answer).toMatchObject({ active: true });
    expect(await throughC.answer).toMatchObject({ active: true });
    expect((await rowOf(session)).generation).toBe(1);
  });

  it('and back again: the first streamer waits for the second', async () => {
    const [a, b] = [streamerSide(app), streamerSide(app)];
    const { sessionId, session } = await openThrough(a);
    const moved = b.introspect(sessionId, MOVED);
    await until('the session is bound anew', isGeneration(session, 1));
    await a.sync([{ session, generation: 1 }]);
    expect(await moved).toMatchObject({ active: true });
    const back = watching(a.introspect(sessionId, PHONE));
    await until('the session is bound again', isGeneration(session, 2));
    await a.sync([{ session, generation: 2 }]);
    expect(back.hasCome).toBe(false);
    await b.sync([{ session, generation: 2 }]);
    expect(await back.answer).toMatchObject({ active: true, grant: { client: PHONE, generation: 2 } });
  });

  it('is no hand-over where the same client comes through another streamer: nobody is waited for', async () => {
    const [a, b] = [streamerSide(app), streamerSide(app)];
    const { sessionId, session } = await openThrough(a);
    expect(await b.introspect(sessionId, { ...PHONE, agent: LAPTOP.agent })).toMatchObject({ active: true });
    expect(await holdersOf(session)).toHaveLength(2);
    expect(await rowOf(session)).toMatchObject({ generation: 0 });
  });

  it('does not wait for a streamer that said it leaves', async () => {
    const [a, b] = [streamerSide(app), streamerSide(app)];
    const { sessionId, session } = await openThrough(a);
    await a.sync([{ session }], { leaving: true });
    expect(await holdersOf(session)).toEqual([]);
    expect(await b.introspect(sessionId, MOVED)).toMatchObject({ active: true });
  });

  it('a late report of an older generation takes no acknowledgement back', async () => {
    const [a, b] = [streamerSide(app), streamerSide(app)];
    const { sessionId, session } = await openThrough(a);
    const moved = b.introspect(sessionId, MOVED);
    await until('the session is bound anew', isGeneration(session, 1));
    await a.sync([{ session, generation: 1 }]);
    await a.sync([{ session, generation: 0 }]);
    expect(await moved).toMatchObject({ active: true });
    const known = (await holdersOf(session)).find(({ streamer }) => streamer === a.bootId);
    expect(known).toMatchObject({ generation: 1 });
  });

  it('a grant that was being decided when the hand-over came is not given', async () => {
    const [a, b, c] = [streamerSide(app), streamerSide(app), streamerSide(app)];
    const { sessionId, session } = await openThrough(a);
    await a.sync([{ session }], { leaving: true });
    const entitlement = app.strapi.plugin('protected-vod').service('entitlement');
    const { deliberation } = entitlement;
    let resume = () => {};
    const paused = new Promise<void>((resolve) => {
      resume = resolve;
    });
    let isDeciding = false;
    entitlement.deliberation = () => {
      const decide = deliberation.call(entitlement);
      return async (question: unknown) => {
        const decision = await decide(question);
        isDeciding = true;
        await paused;
        return decision;
      };
    };
    const late = c.introspect(sessionId, PHONE);
    await until('the old client’s grant is being decided', () => isDeciding);
    entitlement.deliberation = deliberation;
    expect(await b.introspect(sessionId, LAPTOP)).toMatchObject({ active: false });
    expect(await b.introspect(sessionId, MOVED)).toMatchObject({ active: true, grant: { generation: 1 } });
    // The same user agent would take over again; an expired or a strange one is refused.
    await app.strapi.db.query(SESSION).update({ where: { sessionHash: session }, data: { clientAgent: LAPTOP.agent } });
    resume();
    expect(await late).toEqual({ active: false, final: false });
    // Nor does anybody have to wait for it.
    expect((await holdersOf(session)).map(({ streamer }) => streamer)).toEqual([b.bootId]);
    expect(await rowOf(session)).toMatchObject({ generation: 1, clientPrefix: MOVED.addressPrefix });
  });
});

describe('what is kept about streamers', () => {
  it('goes when the session ends', async () => {
    const [a, b] = [streamerSide(app), streamerSide(app)];
    const { sessionId, session } = await openThrough(a);
    await b.introspect(sessionId, PHONE);
    await app.strapi.plugin('protected-vod').service('playback-session').store.end(session, 'ended-by-editor');
    for (const streamer of [a, b]) {
      expect((await streamer.sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
    }
    expect(await holdersOf(session)).toEqual([]);
  });

  it('goes some time after its lease, where a streamer died', async () => {
    const a = streamerSide(app);
    const { session } = await openThrough(a);
    const { holders } = app.strapi.plugin('protected-vod').service('playback-session');
    await holders.sweep();
    expect(await holdersOf(session)).toHaveLength(1);
    await app.strapi.db.query(HOLDER).updateMany({ where: { streamer: a.bootId }, data: { goodUntil: '1' } });
    await holders.sweep();
    expect(await holdersOf(session)).toEqual([]);
  });

  it('is not renewed where nobody has watched for long, unless a change has to be decided', async () => {
    const a = streamerSide(app);
    const { session } = await openThrough(a);
    await a.sync([{ session }]);
    const due = (leaseDue: string) =>
      app.strapi.db.query(SESSION).update({ where: { sessionHash: session }, data: { leaseDue } });
    await due('1');
    expect((await a.sync([{ session, idleMs: 100_000 }])).results).toEqual([{ session, state: 'unchanged' }]);
    expect((await a.sync([{ session, idleMs: 10_000 }])).results).toMatchObject([{ state: 'renewed' }]);
    await due('0');
    expect((await a.sync([{ session, idleMs: 100_000 }])).results).toMatchObject([{ state: 'renewed' }]);
  });
});

describeTwoNodes('two Strapi processes on one database', (node) => {
  it('S6 a change through the one ends what syncs through the other', async () => {
    const a = streamerSide(app);
    const { session } = await openThrough(a);
    expect((await a.sync([{ session }], { node })).results).toEqual([{ session, state: 'unchanged' }]);
    await app.strapi.plugin('users-permissions').service('user').edit(viewer.id, { blocked: true });
    expect((await a.sync([{ session }], { node })).results).toEqual([{ session, state: 'ended' }]);
    expect((await a.sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
    await app.strapi.plugin('users-permissions').service('user').edit(viewer.id, { blocked: false });
  });

  it('S6 what a website tells of its subject through the one ends what was redeemed through the other', async () => {
    const other = { ...app, ...node };
    const shop = await createApiToken(app);
    const newSubject = () => ({ id: randomUUID(), role: 'subscriber', attributes: { plan: 'gold' } });
    const [subject, neighbour] = [newSubject(), newSubject()];
    const tokenOf = async (one: typeof subject, at: StrapiApp) => (await mintForSubject(at, video, shop, one)).token;
    const sessions = [subject, neighbour].map(async (one) => {
      return hashOf((await redeem(other, await tokenOf(one, app))).sessionId);
    });
    const [mine = '', theirs = ''] = await Promise.all(sessions);
    const unused = await tokenOf(subject, other);
    const statesAt = async (through: { url: string }) => {
      const { results } = await streamerSide(app).sync([{ session: mine }, { session: theirs }], { node: through });
      return results.map(({ state }) => state === 'ended');
    };
    expect(await statesAt(node)).toEqual([false, false]);
    expect(await tellChange(app, shop, subject.id, { ended: true })).toEqual({ status: 200, sessions: 1 });
    expect(await statesAt(node)).toEqual([true, false]);
    expect((await introspect(other, unused)).active).toBe(false);
    expect(await tellChange(other, shop, neighbour.id, { role: 'nobody' })).toEqual({ status: 200, sessions: 1 });
    expect(await statesAt(app)).toEqual([true, true]);
    expect(await rowOf(theirs)).toMatchObject({ endReason: 'role-unknown', subjectAttributes: null });
  });

  it('S11 of one token redeemed through both at once there is one session', async () => {
    const token = await tokenFor();
    const comers = Array.from({ length: 100 }, (_, at) => ({
      addressPrefix: `10.7.${at}.0/24`,
      agent: (at + 4096).toString(16).padStart(16, '0'),
    }));
    const before = await app.strapi.db.query(SESSION).count();
    const answers = await Promise.all(
      comers.map((client, at) => streamerSide(at % 2 === 0 ? app : { ...app, ...node }).introspect(token, client)),
    );
    expect(answers.filter(({ active }) => active)).toHaveLength(1);
    expect(await app.strapi.db.query(SESSION).count()).toBe(before + 1);
  });

  it('S12 activity that the one was told of keeps strangers out at the other', async () => {
    const [a, b] = [streamerSide(app), streamerSide({ ...app, ...node })];
    const { sessionId, session } = await openThrough(a);
    const where = { sessionHash: session };
    const longAgo = String(Date.now() - 60_000);
    await app.strapi.db.query(SESSION).update({ where, data: { lastSeenAt: longAgo } });
    await app.strapi.db.query(HOLDER).updateMany({ where, data: { seenAt: longAgo } });
    await a.sync([{ session, idleMs: 0 }]);
    expect(await b.introspect(sessionId, LAPTOP)).toEqual({ active: false, final: false });
    expect(await rowOf(session)).toMatchObject({ generation: 0 });
  });

  it('S12 a streamer acknowledges through the one what the other waits for', async () => {
    const [a, b] = [streamerSide(app), streamerSide({ ...app, ...node })];
    const { sessionId, session } = await openThrough(a);
    const moved = b.introspect(sessionId, MOVED);
    await until('the session is bound anew', isGeneration(session, 1));
    await a.sync([{ session, generation: 1 }]);
    expect(await moved).toMatchObject({ active: true });
  });

  it('S17 a sync goes on with its sequence at the other, and an older one is ignored there', async () => {
    const body = { bootId: streamerSide(app).bootId, sessions: [] };
    const at = (sequence: number, through: { url: string }) =>
      callInternal({ ...app, ...through }, 'sync', { ...body, sequence });
    expect((await at(7, app)).status).toBe(200);
    expect((await at(8, node)).status).toBe(200);
    expect((await at(8, node)).status).toBe(409);
    expect((await at(9, app)).status).toBe(200);
  });
});
