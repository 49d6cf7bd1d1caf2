import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserSite, playerOf, problemsOf, startBrowserSite } from '../support/browser-page';
import { CHROMIUM } from '../support/tools';

describe.skipIf(!CHROMIUM)('in Chromium, from a page of another origin', () => {
  let site: BrowserSite;

  beforeAll(async () => {
    site = await startBrowserSite();
  });

  afterAll(() => site?.stop());

  const currentTime = (page: Page) => playerOf(page).evaluate((player: HTMLVideoElement) => player.currentTime);
  const isEnded = (page: Page) => playerOf(page).evaluate((player: HTMLVideoElement) => player.ended);

  it.each([
    ['hls.js', 'hls'],
    ['dash.js', 'dash'],
    ['shaka', 'dash'],
    ['shaka', 'hls'],
    ['native', 'mp4'],
  ] as const)('%s on %s plays, seeks to 25 s and reaches the end', async (name, protocol) => {
    const page = await site.open(name, protocol);
    await expect.poll(() => currentTime(page), { timeout: 30_000 }).toBeGreaterThan(1);
    await playerOf(page).evaluate((player: HTMLVideoElement) => {
      player.currentTime = 25;
    });
    await expect.poll(() => currentTime(page), { timeout: 30_000 }).toBeGreaterThan(25.5);
    await expect.poll(() => isEnded(page), { timeout: 60_000 }).toBe(true);
    expect(await problemsOf(page)).toEqual([]);
    await page.close();
  });
});
