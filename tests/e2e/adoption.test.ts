import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive } from '../support/is-alive';
import { mint } from '../support/minting';
import { startPublishedSite } from '../support/playback-site';
import { startSibling } from '../support/second-node';
import type { SiteProcess } from '../support/site-process';
import type { SiteUser } from '../support/strapi-accounts';
import type { StrapiApp } from '../support/strapi-app';
import { until } from '../support/until';

const MOUNT = '/protected-vod/stream';

/** Fills the site's database and storage; its own streamers would run elsewhere. */
let office: StrapiApp;
let viewer: SiteUser;
let video: string;
let sites: SiteProcess[] = [];

beforeAll(async () => {
  ({ app: office, viewer, video } = await startPublishedSite());
  const config = { storage: { root: office.storageRoot } };
  sites = [await startSibling(config)];
  await sites[0]?.running();
  sites.push(await startSibling(config));
  await Promise.all(sites.map((site) => site.running()));
});

afterAll(async () => {
  await Promise.all(sites.map((site) => site.dispose()));
  await office.stop();
});

const running = () => Promise.all(sites.map((site) => site.running()));

/** The address of the session at each site, from the one that redeemed the token. */
async function openSession(): Promise<string[]> {
  const urls = (await running()).map(({ url }) => url);
  const minted = await mint({ ...office, url: urls[0] ?? '' }, video, viewer.jwt);
  const redeemed = (await fetch(minted.urls.hls ?? '')).url;
  const path = redeemed.slice(redeemed.indexOf(MOUNT));
  expect(path).toContain('/ps_');
  return urls.map((url) => url + path);
}

const statusOf = async (url: string | undefined) => (await fetch(url ?? '').catch(() => null))?.status;

async function parentOf(pid: number): Promise<number> {
  return Number(/^PPid:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

describe('two Strapi processes on one machine', () => {
  it('share one streamer, and a session plays through both proxies', async () => {
    const [first, second] = await running();
    expect(second?.pid).toBe(first?.pid);
    const addresses = await openSession();
    expect(await Promise.all(addresses.map(statusOf))).toEqual([200, 200]);
  });

  it('start one new streamer between them when it is killed, and the session goes on', async () => {
    const addresses = await openSession();
    const killed = (await running())[0]?.pid ?? 0;
    process.kill(killed, 'SIGKILL');
    const [first, second] = await Promise.all(sites.map((site) => site.running(killed)));
    expect(second?.pid).toBe(first?.pid);
    await until('both serve', async () => (await Promise.all(addresses.map(statusOf))).every((code) => code === 200));
  });

  it('when the one that started it is killed, playback through the other goes on and new viewers get in', async () => {
    const addresses = await openSession();
    const pid = (await running())[0]?.pid ?? 0;
    const parent = await parentOf(pid);
    const [gone, left] = sites[0]?.process.pid === parent ? [0, 1] : [1, 0];
    sites[gone]?.process.kill('SIGKILL');
    await until('Strapi has gone', () => !isAlive(parent));
    expect(await statusOf(addresses[left])).toBe(200);
    sites = sites.slice(left, left + 1);
    const printed = sites[0]?.output().length;
    expect(await statusOf((await openSession())[0])).toBe(200);
    expect((await running())[0]?.pid).toBe(pid);
    // What it logs goes to the Strapi that is left.
    await sites[0]?.when(() => (sites[0]?.output().slice(printed).includes('"status":302') ? true : null));
  });

  it('a right withdrawn ends a session that the other Strapi had opened', async () => {
    const [address] = await openSession();
    await office.strapi.db.query('plugin::users-permissions.user').update({
      where: { id: viewer.id },
      data: { blocked: true },
    });
    await until('it is refused', async () => (await statusOf(address)) === 403);
    await office.strapi.db.query('plugin::users-permissions.user').update({
      where: { id: viewer.id },
      data: { blocked: false },
    });
  });

  it('the last one that stops takes it along', async () => {
    const [last] = sites;
    const pid = (await last?.running())?.pid ?? 0;
    last?.process.kill('SIGTERM');
    if (last?.process.exitCode === null) await once(last.process, 'exit');
    expect(isAlive(pid)).toBe(false);
  });
});
