import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port';
import { hashOf, introspect, PHONE, redeem, streamerSide } from '../support/internal';
import { askForToken, mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { startSibling } from '../support/second-node';
import type { SiteProcess } from '../support/site-process';
import { makeSiteWithCode, type SiteWithCode } from '../support/site-with-code';
import { until } from '../support/until';

const ALLOW = { verdict: 'allow' };
const ABSTAIN = { verdict: 'abstain' };
const DENY = { verdict: 'deny', reason: 'the shop says no' };
const MANY = 50;

/** Makes the people and the film; it has none of the rules. */
let office: PublishedSite;
/** The same site with rules in its code, which is started and stopped. */
let shop: SiteProcess | undefined;
let code: SiteWithCode;
let port: number;

beforeAll(async () => {
  port = await freePort();
  office = await startPublishedSite();
  code = await makeSiteWithCode('site-with-rules.cjs');
});

afterAll(async () => {
  await shop?.dispose();
  await office.app.stop();
  await code.remove();
});

const rulesFile = () => path.join(office.app.storageRoot, '../rules.json');
const rulesSay = (early: object, late: object) => writeFile(rulesFile(), JSON.stringify({ early, late }));

const startShop = (env: Record<string, string> = {}) =>
  startSibling(
    {
      storage: { root: office.app.storageRoot },
      streamer: { mode: 'external', publicUrl: 'https://video.example.test' },
    },
    { ...code.env, SITE_RULES_FILE: rulesFile(), PORT: String(port), ...env },
  );

/** Seen from outside. */
const shopApp = () => ({ ...office.app, url: `http://127.0.0.1:${port}` });
const tokenAtShop = () => askForToken(shopApp(), office.video, office.viewer.jwt);

/** Asks again and again, from before Strapi starts until it has answered often; `unreachable` where nobody listens. */
async function askThroughStart<T>(question: () => Promise<T>): Promise<(T | 'unreachable')[]> {
  const answers: (T | 'unreachable')[] = [];
  let answered = 0;
  while (answered < MANY) {
    const answer = await question().catch(() => 'unreachable' as const);
    answers.push(answer);
    if (answer !== 'unreachable') answered += 1;
    await delay(5);
  }
  return answers;
}

const heard = <T>(answers: (T | 'unreachable')[]): T[] => answers.filter((answer) => answer !== 'unreachable') as T[];

async function stopShop(): Promise<void> {
  shop?.process.kill('SIGTERM');
  if (shop?.process.exitCode === null) await once(shop.process, 'exit');
}

describe('a site that registers rules in its own `register` and `bootstrap`', () => {
  it('answers nobody before they are there, however long its `bootstrap` takes', async () => {
    await rulesSay(ABSTAIN, DENY);
    const asking = askThroughStart(async () => (await tokenAtShop()).code ?? 'allowed');
    shop = await startShop();
    const answers = await asking;
    expect(answers[0]).toBe('unreachable');
    expect(new Set(heard(answers))).toEqual(new Set(['not-entitled']));
  });

  it.each([
    ['`register`', DENY, ALLOW],
    ['`bootstrap`', ALLOW, DENY],
  ])('asks the rule of its %s', async (_where, early, late) => {
    await rulesSay(early, late);
    expect(await tokenAtShop()).toMatchObject({ status: 403, code: 'not-entitled' });
    await rulesSay(ALLOW, ALLOW);
    expect((await tokenAtShop()).status).toBe(200);
  });

  it('S6 that restarts lets nobody in meanwhile, and ends who was watching when its rules deny now', async () => {
    await rulesSay(ALLOW, ALLOW);
    const newToken = async () => (await mint(shopApp(), office.video, office.viewer.jwt)).token;
    const token = await newToken();
    const { sessionId } = await redeem(shopApp(), await newToken());
    const session = hashOf((await redeem(shopApp(), await newToken())).sessionId);
    await stopShop();
    await rulesSay(ABSTAIN, DENY);
    const { sync } = streamerSide(shopApp());
    const asking = Promise.all([
      askThroughStart(async () => (await tokenAtShop()).status),
      askThroughStart(async () => (await introspect(shopApp(), token, PHONE)).active),
      askThroughStart(async () => (await introspect(shopApp(), sessionId, PHONE)).active),
      askThroughStart(async () => (await sync([{ session }])).results[0]?.state),
    ]);
    await shop?.dispose();
    shop = await startShop();
    const [minted, redeemed, resumed, synced] = await asking;
    for (const answers of [minted, redeemed, resumed, synced]) expect(answers[0]).toBe('unreachable');
    expect(new Set(heard(minted))).toEqual(new Set([403]));
    expect(new Set([...heard(redeemed), ...heard(resumed)])).toEqual(new Set([false]));
    expect(synced).not.toContain('renewed');
    await until('the session has ended', async () => (await sync([{ session }])).results[0]?.state === 'ended');
    // The rules are those of the files again, not of before.
    await rulesSay(ABSTAIN, ALLOW);
    expect((await tokenAtShop()).status).toBe(200);
  });

  it('whose `bootstrap` fails is never opened', async () => {
    await stopShop();
    await shop?.dispose();
    shop = await startShop({ SITE_FAILS: 'true' });
    const { process: child } = shop;
    const ended = once(child, 'exit');
    let isListening = false;
    while (child.exitCode === null) {
      isListening ||= await tokenAtShop().then(
        () => true,
        () => false,
      );
      await delay(5);
    }
    expect((await ended)[0]).not.toBe(0);
    expect(isListening).toBe(false);
    expect(shop.output()).toContain('The shop cannot be reached.');
  });
});
