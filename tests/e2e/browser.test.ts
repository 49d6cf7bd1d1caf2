import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishVideo, uploadFilm } from '../support/films';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { servePlayerPage } from '../support/player-page';
import { CHROMIUM } from '../support/tools';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];

interface PlayerWindow {
  players: Record<string, (url: string) => Promise<void> | void>;
  problems: string[];
}

describe.skipIf(!CHROMIUM)('in Chromium, from a page of another origin', () => {
  let site: PlaybackSite;
  let video: string;
  let browser: Browser;
  let host: { url: string; close(): Promise<void> };

  beforeAll(async () => {
    site = await startPlaybackSite();
    const source = (await uploadFilm(site.app, site.editor)).id;
    video = await publishVideo(site.app, site.editor, { source });
    host = await servePlayerPage();
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: FLAGS });
  });

  afterAll(async () => {
    await browser?.close();
    await host?.close();
    await site?.app.stop();
  });

  const currentTime = (page: Page) =>
    page.locator('#player').evaluate((player: HTMLVideoElement) => player.currentTime);
  const isEnded = (page: Page) => page.locator('#player').evaluate((player: HTMLVideoElement) => player.ended);
  const problems = (page: Page) => page.evaluate(() => (window as unknown as PlayerWindow).problems);

  it.each([
    ['hls.js', 'hls'],
    ['dash.js', 'dash'],
    ['shaka', 'dash'],
    ['shaka', 'hls'],
    ['native', 'mp4'],
  ] as const)('%s on %s plays, seeks to 25 s and reaches the end', async (name, protocol) => {
    const page = await browser.newPage();
    await page.goto(host.url);
    const url = (await mint(site.app, video, site.viewer.jwt)).urls[protocol] ?? '';
    await page.evaluate(
      async ([player, address]) => {
        await (window as unknown as PlayerWindow).players[player]?.(address);
        await document.querySelector('video')?.play();
      },
      [name, url] as const,
    );
    await expect.poll(() => currentTime(page), { timeout: 30_000 }).toBeGreaterThan(1);
    await page.locator('#player').evaluate((player: HTMLVideoElement) => {
      player.currentTime = 25;
    });
    await expect.poll(() => currentTime(page), { timeout: 30_000 }).toBeGreaterThan(25.5);
    await expect.poll(() => isEnded(page), { timeout: 60_000 }).toBe(true);
    expect(await problems(page)).toEqual([]);
    await page.close();
  });
});
