import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clip } from '../support/clips';
import { uploadToMediaLibrary } from '../support/media-library';
import { type AdminAccount, createAdmin } from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

let app: StrapiApp;
let admin: AdminAccount;

/** The clip with a 32-bit field of its sample tables (ISO 14496-12 §8.6, §8.7) overwritten, in every track. */
function clipWith(table: 'ctts' | 'stts', at: number, value: number): Buffer {
  const bytes = clip();
  for (
    let found = bytes.indexOf(table, bytes.lastIndexOf('moov'));
    found !== -1;
    found = bytes.indexOf(table, found + 4)
  ) {
    bytes.writeUInt32BE(value, found + 4 + at);
  }
  return bytes;
}

/** The longest time for which Strapi answered nobody while `work` ran. */
async function longestSilence(work: Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const watch = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 20);
  await work;
  clearInterval(watch);
  return Math.max(longest, performance.now() - last);
}

beforeAll(async () => {
  app = await startStrapiApp({ pluginConfig: { streamer: { mode: 'external' } } });
  admin = await createAdmin(app);
});

afterAll(() => app.stop());

describe('T24 a film whose tables promise four billion samples', () => {
  test.each([
    ['ctts', 8],
    ['stts', 8],
  ] as const)('%s: is refused, and the site goes on meanwhile', async (table, at) => {
    const upload = uploadToMediaLibrary(app, admin, { name: 'bomb.mp4', bytes: clipWith(table, at, 0xffffffff) });
    // Strapi shares this process.
    expect(await longestSilence(upload)).toBeLessThan(2_000);
    const { status, error } = await upload;
    expect([status, error.details.code]).toEqual([400, 'film-is-too-complex']);
    expect(error.message).toContain('“bomb.mp4” could not be checked');
  });
});
