import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Site, startSite } from './harness';

let site: Site;

beforeEach(async () => {
  site = await startSite({ settings: { trustedProxies: ['127.0.0.1'] } });
});
afterEach(() => site.stop());

const redeem = (token: string, from?: string) =>
  site.ask(`/v/${token}/hls/main.m3u8`, from === undefined ? {} : { from });

describe('a token that is redeemed too often', () => {
  it('as the plugin finds, answers 429 with its Retry-After, no address and the constant sentence', async () => {
    const token = await site.plugin.mint();
    const body = JSON.stringify({ active: false, final: false, retryAfterSeconds: 7 });
    site.plugin.faults.introspect = { status: 200, body };
    const { status, headers, body: sentence } = await redeem(token);
    expect([status, headers['retry-after'], headers.location]).toEqual([429, '7', undefined]);
    expect(sentence.toString()).toBe('Too Many Requests\n');
    expect(site.plugin.violations).toEqual([]);
  });

  it('is good afterwards', async () => {
    const token = await site.plugin.mint();
    const body = JSON.stringify({ active: false, final: false, retryAfterSeconds: 1 });
    site.plugin.faults.introspect = { status: 200, body };
    expect((await redeem(token)).status).toBe(429);
    delete site.plugin.faults.introspect;
    expect((await redeem(token)).status).toBe(302);
  });
});

describe('signatures of one address prefix', () => {
  it('a school may press play at once: tokens that open their sessions are not counted', async () => {
    const tokens = await Promise.all(Array.from({ length: 300 }, () => site.plugin.mint()));
    const statuses: number[] = [];
    for (let at = 0; at < tokens.length; at += 50) {
      const some = await Promise.all(tokens.slice(at, at + 50).map((token) => redeem(token)));
      statuses.push(...some.map(({ status }) => status));
    }
    expect(statuses).toEqual(Array(300).fill(302));
  });

  it('checked in vain, a hundred at once, then 429 with Retry-After; another network is served', async () => {
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const forged = await Promise.all(Array.from({ length: 150 }, () => site.plugin.mint({ key: stranger })));
    const answers = await Promise.all(forged.map((token) => redeem(token)));
    const limited = answers.filter(({ status }) => status === 429);
    expect(limited.length).toBeGreaterThan(20);
    expect(answers.filter(({ status }) => status === 403).length).toBe(150 - limited.length);
    expect(new Set(limited.map(({ headers }) => headers['retry-after']))).toEqual(new Set(['1']));
    expect((await redeem(await site.plugin.mint(), '127.0.1.1')).status).toBe(302);
    expect(site.plugin.introspections).toHaveLength(1);
  });

  it('an IPv6 /48 has twice as much for all its /56 together, and leaves the others theirs', async () => {
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const redeemFrom = (token: string, address: string) =>
      site.ask(`/v/${token}/hls/main.m3u8`, { headers: { 'x-forwarded-for': address } });
    const forged = await Promise.all(Array.from({ length: 320 }, () => site.plugin.mint({ key: stranger })));
    // Eighty from each of four, which none of them would have been refused alone.
    const answers = await Promise.all(forged.map((token, at) => redeemFrom(token, `2001:db8:1:${at % 4}00::1`)));
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(40);
    expect((await redeemFrom(await site.plugin.mint(), '2001:db8:2::1')).status).toBe(302);
  });
});
