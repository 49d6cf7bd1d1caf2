import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserSite, playerOf, problemsOf, startBrowserSite } from '../support/browser-page';
import { CHROMIUM } from '../support/tools';

describe.skipIf(!CHROMIUM)('mpegts.js in Chromium, from a page of another origin', () => {
  let site: BrowserSite;

  beforeAll(async () => {
    site = await startBrowserSite();
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

  it('HTTP-FLV and WS-FLV play side by side, and all of the film arrives', async () => {
    await Promise.all([watch('httpFlv'), watch('wsFlv')]);
  });
});
