import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answers, DATABASE_SERVERS } from '../support/database-servers.mjs';
import { publishVideo, uploadFilm } from '../support/films';
import { mint } from '../support/minting';
import { type RawAnswer, rawRequest } from '../support/raw-request';
import { type SeveralNodes, startSeveralNodes } from '../support/several-nodes';
import type { ServerClient } from '../support/test-database';

const CLIENTS = 1000;
/** What `Retry-After` asks for. */
const RETRY_MS = 2000;
const SERVERS = (['postgres', 'mysql'] as const).map(async (client) => ((await answers(client)) ? client : null));
const DATABASES: (ServerClient | null)[] = [null, ...(await Promise.all(SERVERS)).filter((client) => client !== null)];

describe.each(DATABASES)('one token, redeemed by 1,000 clients at once through three streamers', (database) => {
  const where = database === null ? 'one Strapi on SQLite' : `two Strapi on ${DATABASE_SERVERS[database].name}`;
  let nodes: SeveralNodes;

  beforeAll(async () => {
    // A client that is told to come back must not find the first one silent meanwhile.
    nodes = await startSeveralNodes({ database, pluginConfig: { session: { silenceSeconds: 600 } } });
  });
  afterAll(() => nodes.stop());

  /** Each client has a network and a player of its own. */
  const ask = (path: string, at: number): Promise<RawAnswer> =>
    rawRequest(`${nodes.streamers[at % nodes.streamers.length]?.url}${path}`, {
      from: `127.${1 + (at >> 8)}.${at & 255}.1`,
      headers: { 'user-agent': `client ${at}` },
    });

  /** As players do: who is told to come back later comes back. Resolves when everybody has a yes or a no. */
  async function redeemAll(path: string): Promise<RawAnswer[]> {
    const settled = new Map<number, RawAnswer>();
    while (settled.size < CLIENTS) {
      const waiting = Array.from({ length: CLIENTS }, (_, at) => at).filter((at) => !settled.has(at));
      const answered = await Promise.all(waiting.map(async (at) => ({ at, answer: await ask(path, at) })));
      for (const { at, answer } of answered) {
        expect([302, 403, 503]).toContain(answer.status);
        if (answer.status !== 503) settled.set(at, answer);
      }
      if (settled.size < CLIENTS) await delay(RETRY_MS);
    }
    return Array.from({ length: CLIENTS }, (_, at) => settled.get(at)).filter((answer) => answer !== undefined);
  }

  it(`S11 ${where}: opens one session; 999 are refused and told no address`, async () => {
    const source = (await uploadFilm(nodes.app, nodes.editor)).id;
    const video = await publishVideo(nodes.app, nodes.editor, { source });
    const { token } = await mint(nodes.app, video, nodes.viewer.jwt);
    const redeemed = await redeemAll(`/v/${token}/hls/main.m3u8`);
    const served = redeemed.filter(({ status }) => status === 302);
    const refused = redeemed.filter(({ status, headers }) => status === 403 && !headers.location);
    console.log(`${where}: ${served.length} served, ${refused.length} refused`);
    expect([served.length, refused.length]).toEqual([1, CLIENTS - 1]);
    expect(await nodes.app.strapi.db.query('plugin::protected-vod.playback-session').count()).toBe(1);

    // The one that was served knows the session's address. Nobody else gets a byte there, through any streamer.
    const winner = redeemed.findIndex(({ status }) => status === 302);
    const address = new URL(redeemed[winner]?.headers.location ?? '', `http://h/v/${token}/hls/main.m3u8`).pathname;
    const copied = await Promise.all(Array.from({ length: 99 }, (_, at) => ask(address, (winner + 1 + at) % CLIENTS)));
    expect(copied.filter(({ status }) => status < 400)).toEqual([]);
    expect((await ask(address, winner)).status).toBe(200);
  });
});
