import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserSite, playerOf, problemsOf, startBrowserSite, watchToTheEnd } from '../support/browser-page';
import { CHROMIUM } from '../support/tools';

/** Which keys a page has fetched, each as often as it did. */
const keysOf = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    performance.getEntriesByType('resource').flatMap(({ name }) => /[\w-]+\/key\/\d+\.key$/.exec(name)?.[0] ?? []),
  );

describe.skipIf(!CHROMIUM)('in Chromium, from a page of another origin, of a site that encrypts HLS', () => {
  let site: BrowserSite;

  beforeAll(async () => {
    site = await startBrowserSite({ pluginConfig: { hls: { encryption: 'aes-128', segmentsPerKey: 2 } } });
  });

  afterAll(() => site?.stop());

  async function watch(protocol: 'httpFlv' | 'wsFlv'): Promise<void> {
    const page = await site.open('mpegts.js', protocol);
    const player = playerOf(page);
    const currentTime = () => player.evaluate(({ currentTime: time }: HTMLVideoElement) => time);
    const bufferedEnd = () =>
      player.evaluate(({ buffered }: HTMLVideoElement) => (buffered.length > 0 ? buffered.end(0) : 0));
    await expect.poll(currentTime, { timeout: 60_000 }).toBeGreaterThan(3);
    // All of the film has come, decoded as far as the machine keeps up.
    await expect.poll(bufferedEnd, { timeout: 90_000 }).toBeGreaterThan(29.9);
    expect(await problemsOf(page)).toEqual([]);
    await page.close();
  }

  it('mpegts.js plays HTTP-FLV and WS-FLV side by side, and all of the film arrives', async () => {
    await Promise.all([watch('httpFlv'), watch('wsFlv')]);
  });

  it.each(['hls.js', 'shaka'])('%s plays encrypted HLS, seeks to 25 s and reaches the end', async (name) => {
    const page = await site.open(name, 'hls');
    await watchToTheEnd(page);
    // Of both tracks, the first and the last, each once.
    const keys = await keysOf(page);
    expect(keys).toEqual([...new Set(keys)]);
    expect(keys.length).toBeGreaterThanOrEqual(4);
    await page.close();
  });
});
