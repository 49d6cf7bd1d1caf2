import { symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishVideo, uploadFilm } from '../support/films';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { rawRequest } from '../support/raw-request';

const SECRET = 'outside the storage root';

const CLIMBS = [
  '..',
  '../..',
  '../../../../../../../../etc/passwd',
  '..%2f..%2f..%2fetc%2fpasswd',
  '%2e%2e/%2e%2e/etc/passwd',
  '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '..%252f..%252fetc%252fpasswd',
  '%252e%252e%252fmetrics',
  '..%5c..%5cwindows',
  '..\\..\\windows',
  '%00',
  'main.m3u8%00.mp4',
  '/etc/passwd',
  '%2fetc%2fpasswd',
  'file:///etc/passwd',
  './././metrics',
  '..;/metrics',
  '.%2e/metrics',
  '%c0%ae%c0%ae/metrics',
  'metrics',
];

let site: PlaybackSite;
let session: string;
let assetId: string;

beforeAll(async () => {
  site = await startPlaybackSite();
  const source = await uploadFilm(site.app, site.editor);
  const video = await publishVideo(site.app, site.editor, { source: source.id });
  const { token } = await mint(site.app, video, site.viewer.jwt);
  const answer = await rawRequest(`${site.streamerUrl()}/v/${token}/mp4`);
  session = /ps_[A-Za-z0-9_-]{40}/.exec(answer.headers.location ?? '')?.[0] ?? '';
  const [asset] = await site.app.strapi.db.query('plugin::protected-vod.asset').findMany({});
  assetId = asset.documentId;
});

afterAll(() => site.app.stop());

/** The climb in each position of a delivery address. */
const placesOf = (climb: string): string[] => [
  `/${climb}`,
  `/v/${climb}`,
  `/v/${climb}/mp4`,
  `/v/${session}/${climb}`,
  `/v/${session}/hls/${climb}`,
  `/v/${session}/hls/${climb}/media.m3u8`,
  `/v/${session}/hls/source-v1/${climb}`,
  `/v/${session}/dash/${climb}/1.m4s`,
  `/v/${session}/download/${climb}`,
];

describe('path variants in every position', () => {
  it.each(CLIMBS)('%s is refused by the streamer and through Strapi’s port', async (climb) => {
    for (const place of placesOf(climb)) {
      for (const base of [site.streamerUrl(), `${site.app.url}/protected-vod/stream`]) {
        const answer = await rawRequest(base + place);
        expect([400, 401, 403, 404], `${place} ${answer.status}`).toContain(answer.status);
        expect(answer.body.toString('latin1')).not.toMatch(/root:|# HELP|protected_vod_/);
      }
    }
  });

  /** Opens a new session on the asset under another storage key: nothing must come of it. */
  async function expectNothing(storageKey: string): Promise<void> {
    await site.app.strapi.db
      .query('plugin::protected-vod.asset')
      .update({ where: { documentId: assetId }, data: { storageKey } });
    const [file] = await site.app.strapi.db.query('plugin::upload.file').findMany({});
    const video = await publishVideo(site.app, site.editor, { source: file.id });
    const { urls } = await mint(site.app, video, site.viewer.jwt);
    for (const url of [urls.mp4, urls.download, urls.hls, urls.dash]) {
      const answer = await fetch(url ?? '');
      expect(answer.status, storageKey).toBeGreaterThanOrEqual(400);
      expect(await answer.text()).not.toContain(SECRET);
    }
  }

  it('a storage key that leads through a symbolic link opens nothing', async () => {
    const outside = path.join(site.app.storageRoot, '../outside.mp4');
    await writeFile(outside, SECRET);
    await symlink(outside, path.join(site.app.storageRoot, 'library', 'link.mp4'));
    await symlink(path.dirname(outside), path.join(site.app.storageRoot, 'library', 'folder'));
    for (const storageKey of ['library/link.mp4', 'library/folder/outside.mp4']) await expectNothing(storageKey);
  });

  it.each(['../outside.mp4', '/etc/passwd', 'library/../../outside.mp4', 'library/a\0.mp4'])(
    'an asset row with the storage key %j plays nothing',
    (storageKey) => expectNothing(storageKey),
  );
});
