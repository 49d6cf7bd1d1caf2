import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answers, DATABASE_SERVERS } from '../support/database-servers.mjs';
import { publishVideo, uploadFilm } from '../support/films';
import { hashOf } from '../support/internal';
import { mint } from '../support/minting';
import { type RawAnswer, rawRequest } from '../support/raw-request';
import { type SeveralNodes, startSeveralNodes } from '../support/several-nodes';
import { createSiteUser, type SiteUser } from '../support/strapi-accounts';
import { until } from '../support/until';

const SESSION = 'plugin::protected-vod.playback-session';
const SLOT = 'plugin::protected-vod.session-slot';
const DEVICES = 50;
const BYTES = 65_536;
const database = (await answers('postgres')) ? 'postgres' : null;
const where = database === null ? 'one Strapi on SQLite' : `two Strapi on ${DATABASE_SERVERS[database].name}`;

describe(`a limit of two sessions, ${where}, three streamers`, () => {
  let nodes: SeveralNodes;
  let video: string;

  beforeAll(async () => {
    // A device that is told to come back must find its token good, and nobody silent meanwhile.
    const session = { maxConcurrent: 2, slotSilenceSeconds: 600 };
    nodes = await startSeveralNodes({ database, pluginConfig: { session, token: { lifetimeSeconds: 600 } } });
    video = await publishVideo(nodes.app, nodes.editor, { source: (await uploadFilm(nodes.app, nodes.editor)).id });
  });
  afterAll(() => nodes.stop());

  /** Each device has a network, a player and a streamer of its own. */
  function ask(path: string, at: number, streamer = at % nodes.streamers.length): Promise<RawAnswer> {
    return rawRequest(`${nodes.streamers[streamer]?.url}${path}`, {
      from: `127.5.${at}.1`,
      headers: { 'user-agent': `device ${at}`, range: `bytes=0-${BYTES - 1}` },
    });
  }

  interface Start {
    at: number;
    /** Path of the film under the session's id; null: refused. */
    address: string | null;
    answer: RawAnswer;
  }

  /** As players do: follows the redirect, and comes back while it is told to come back later. */
  async function play(token: string, at: number): Promise<Start> {
    const path = `/v/${token}/mp4`;
    const answer = await until('the streamer says yes or no', async () => {
      const some = await ask(path, at);
      return some.status === 503 ? null : some;
    });
    if (answer.status !== 302) return { at, address: null, answer };
    const address = new URL(answer.headers.location ?? '', `http://streamer${path}`).pathname;
    return { at, address, answer: await ask(address, at) };
  }

  const tokensFor = (user: SiteUser, count: number) =>
    Promise.all(Array.from({ length: count }, async () => (await mint(nodes.app, video, user.jwt)).token));
  const placesOf = (user: SiteUser) =>
    nodes.app.strapi.db.query(SLOT).findMany({ where: { subject: `user:${user.id}` }, orderBy: 'slot' });
  const sessionsOf = (user: SiteUser) =>
    nodes.app.strapi.db.query(SESSION).findMany({ where: { originId: String(user.id) } });

  it('S9 of 50 starts at once, two play; the others get the one constant refusal', async () => {
    const tokens = await tokensFor(nodes.viewer, DEVICES);
    const starts = await Promise.all(tokens.map((token, at) => play(token, at)));
    const played = starts.filter(({ answer }) => answer.status === 206 && answer.body.length === BYTES);
    expect(played).toHaveLength(2);
    const unknown = await ask(`/v/${tokens[0]?.slice(0, -4)}AAAA/mp4`, 0);
    for (const { answer } of starts.filter((start) => !played.includes(start))) {
      expect([answer.status, answer.body.toString()]).toEqual([403, unknown.body.toString()]);
    }
    expect(await sessionsOf(nodes.viewer)).toHaveLength(2);
    expect(await placesOf(nodes.viewer)).toMatchObject([{ slot: 1 }, { slot: 2 }]);
  });

  it('S9 who was refused plays with the same token once another session has ended', async () => {
    const user = await createSiteUser(nodes.app, nodes.role);
    const [one = '', other = '', third = ''] = await tokensFor(user, 3);
    const first = await play(one, 1);
    await play(other, 2);
    expect((await play(third, 3)).answer.status).toBe(403);
    const session = hashOf(first.address?.split('/')[2] ?? '');
    await nodes.app.strapi.plugin('protected-vod').service('playback-session').store.end(session, 'ended-by-operator');
    await until('the token is taken', async () => (await play(third, 3)).answer.status === 206);
    await until('the ended session is cut off', async () => (await ask(first.address ?? '', 1)).status === 403);
    expect(await placesOf(user)).toHaveLength(2);
  });

  // The last: it leaves one Strapi dead.
  it('S9 sessions keep their places while a streamer and a Strapi are killed', async () => {
    const user = await createSiteUser(nodes.app, nodes.role);
    const tokens = await tokensFor(user, 3);
    // The first and the third streamer ask the Strapi that lives on.
    const opened = [await play(tokens[0] ?? '', 0), await play(tokens[1] ?? '', 2)];
    const before = await placesOf(user);
    expect(before).toHaveLength(2);
    await nodes.streamers[0]?.kill('SIGKILL');
    await nodes.second?.dispose();
    for (const { address, at } of opened) expect((await ask(address ?? '', at, 2)).status).toBe(206);
    expect((await play(tokens[2] ?? '', 5)).answer.status).toBe(403);
    await nodes.streamers[0]?.start();
    for (const { address, at } of opened) expect((await ask(address ?? '', at, 0)).status).toBe(206);
    expect((await play(tokens[2] ?? '', 3)).answer.status).toBe(403);
    expect(await placesOf(user)).toEqual(before);
  });
});
