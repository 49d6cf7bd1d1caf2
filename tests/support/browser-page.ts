import { chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import type { PlaybackTokenAnswer } from '../../server/contracts';
import { publishVideo, uploadFilm } from './films';
import { mint } from './minting';
import { startPlaybackSite } from './playback-site';
import { servePlayerPage } from './player-page';
import type { StrapiAppOptions } from './strapi-app';
import { CHROMIUM } from './tools';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];

type Protocol = keyof PlaybackTokenAnswer['data']['urls'];

interface PlayerWindow {
  players: Record<string, (url: string) => Promise<void> | void>;
  problems: string[];
}

/** Chromium, and one page of another origin than the site's with players in it. */
export interface BrowserHost {
  /** Loads the page anew and starts a film in one of its players, at that many times its speed. */
  start(player: string, url: string, rate: number): Promise<Page>;
  close(): Promise<void>;
}

async function startPlayer(page: Page, player: string, url: string, rate = 1): Promise<void> {
  await page.evaluate(
    async ([name, address, speed]) => {
      await (window as unknown as PlayerWindow).players[name]?.(address);
      const element = document.querySelector('video');
      if (element) element.defaultPlaybackRate = speed;
      if (element) element.playbackRate = speed;
      await element?.play();
    },
    [player, url, rate] as const,
  );
}

export async function openBrowserHost(): Promise<BrowserHost> {
  const host = await servePlayerPage();
  const browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: FLAGS });
  const page = await browser.newPage();
  return {
    async start(player, url, rate) {
      await page.goto(host.url);
      await startPlayer(page, player, url, rate);
      return page;
    },
    async close() {
      await browser.close();
      await host.close();
    },
  };
}

/** Chromium, a page of another origin than the site's with players in it, and a film on the site. */
export interface BrowserSite {
  /** Opens the page and starts the film in one of its players, with a token of its own. */
  open(player: string, protocol: Protocol): Promise<Page>;
  stop(): Promise<void>;
}

export const playerOf = (page: Page) => page.locator('#player');

/** All that the page's player and media element have complained about. */
export const problemsOf = (page: Page) => page.evaluate(() => (window as unknown as PlayerWindow).problems);

/** Watches the beginning, seeks to 25 s and watches to the end; nothing may be wrong by then. */
export async function watchToTheEnd(page: Page): Promise<void> {
  const currentTime = () => playerOf(page).evaluate((player: HTMLVideoElement) => player.currentTime);
  const isEnded = () => playerOf(page).evaluate((player: HTMLVideoElement) => player.ended);
  await expect.poll(currentTime, { timeout: 30_000 }).toBeGreaterThan(1);
  await playerOf(page).evaluate((player: HTMLVideoElement) => {
    player.currentTime = 25;
  });
  await expect.poll(currentTime, { timeout: 30_000 }).toBeGreaterThan(25.5);
  await expect.poll(isEnded, { timeout: 60_000 }).toBe(true);
  expect(await problemsOf(page)).toEqual([]);
}

export async function startBrowserSite(options: StrapiAppOptions = {}): Promise<BrowserSite> {
  const { app, editor, viewer } = await startPlaybackSite(options);
  const video = await publishVideo(app, editor, { source: (await uploadFilm(app, editor)).id });
  const host = await servePlayerPage();
  const browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: FLAGS });
  return {
    async open(player, protocol) {
      const page = await browser.newPage();
      await page.goto(host.url);
      const url = (await mint(app, video, viewer.jwt)).urls[protocol] ?? '';
      await startPlayer(page, player, url);
      return page;
    },
    async stop() {
      await browser.close();
      await host.close();
      await app.stop();
    },
  };
}
