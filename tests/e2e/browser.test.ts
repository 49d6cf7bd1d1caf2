import { afterAll, beforeAll, describe, it } from 'vitest';
import { type BrowserSite, startBrowserSite, watchToTheEnd } from '../support/browser-page';
import { CHROMIUM } from '../support/tools';

describe.skipIf(!CHROMIUM)('in Chromium, from a page of another origin', () => {
  let site: BrowserSite;

  beforeAll(async () => {
    site = await startBrowserSite();
  });

  afterAll(() => site?.stop());

  it.each([
    ['hls.js', 'hls'],
    ['dash.js', 'dash'],
    ['shaka', 'dash'],
    ['shaka', 'hls'],
    ['native', 'mp4'],
  ] as const)('%s on %s plays, seeks to 25 s and reaches the end', async (name, protocol) => {
    const page = await site.open(name, protocol);
    await watchToTheEnd(page);
    await page.close();
  });
});
