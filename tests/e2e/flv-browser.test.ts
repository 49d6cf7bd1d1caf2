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

describe.skipIf(!CHROMIUM)('mpegts.js in Chromium, from a page of another origin', () => {
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

  const player = (page: Page) => page.locator('#player');
  const bufferedEnd = (page: Page) =>
    player(page).evaluate(({ buffered }: HTMLVideoElement) => (buffered.length > 0 ? buffered.end(0) : 0));

  async function open(protocol: 'httpFlv' | 'wsFlv'): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(host.url);
    const url = (await mint(site.app, video, site.viewer.jwt)).urls[protocol] ?? '';
    await page.evaluate(async (address) => {
      await (window as unknown as PlayerWindow).players['mpegts.js']?.(address);
      await document.querySelector('video')?.play();
    }, url);
    return page;
  }

  async function watch(protocol: 'httpFlv' | 'wsFlv'): Promise<void> {
    const page = await open(protocol);
    const currentTime = () => player(page).evaluate(({ currentTime: time }: HTMLVideoElement) => time);
    await expect.poll(currentTime, { timeout: 60_000 }).toBeGreaterThan(3);
    // All of the film has come, decoded as far as the machine keeps up.
    await expect.poll(() => bufferedEnd(page), { timeout: 90_000 }).toBeGreaterThan(29.9);
    expect(await page.evaluate(() => (window as unknown as PlayerWindow).problems)).toEqual([]);
    await page.close();
  }

  it('HTTP-FLV and WS-FLV play side by side, and all of the film arrives', async () => {
    await Promise.all([watch('httpFlv'), watch('wsFlv')]);
  });
});
