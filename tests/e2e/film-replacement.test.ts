import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { mediaPlaylistUrls, playHls, segmentUrls } from '../clients/hls.mjs';
import { publishVideo, sendAsAdmin } from '../support/films';
import { uploadToMediaLibrary } from '../support/media-library';
import { mint } from '../support/minting';
import { FFMPEG, frameHashes } from '../support/tools';
import { until } from '../support/until';
import { UploadSite } from '../support/upload-site';

const run = promisify(execFile);
const PICTURES = 20 * 10;

let directory: string;
let site: UploadSite;

/** 20 seconds of moving picture without sound, some segments long. */
async function makeFilm(picture: string): Promise<string> {
  const file = path.join(directory, `${picture}.mp4`);
  const source = `${picture}=size=160x90:rate=10:duration=20`;
  const coded = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-g', '10', '-movflags', '+faststart'];
  await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', source, ...coded, file]);
  return file;
}

/** What “Public may watch” in the roles editor sends. */
async function letPublicWatch(): Promise<void> {
  const headers = { authorization: `Bearer ${site.token}`, 'content-type': 'application/json' };
  const ask = async (route: string, init: RequestInit = {}) =>
    JSON.parse(await (await fetch(site.url + route, { headers, ...init })).text());
  const { roles } = await ask('/users-permissions/roles');
  const { id } = roles.find(({ type }: { type: string }) => type === 'public');
  const { role } = await ask(`/users-permissions/roles/${id}`);
  role.permissions['plugin::protected-vod'].controllers.playback.create.enabled = true;
  await ask(`/users-permissions/roles/${id}`, { method: 'PUT', body: JSON.stringify(role) });
}

async function filesBelow(area: string): Promise<string[]> {
  const entries = await readdir(path.join(site.storageRoot, area), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && entry.name.endsWith('.mp4')).map(({ name }) => name);
}

async function picturesOf(pieces: Buffer[]): Promise<string[]> {
  const file = path.join(directory, 'received.mp4');
  await writeFile(file, Buffer.concat(pieces));
  return frameHashes(file);
}

const fetchAll = async (urls: string[]) => {
  const pieces: Buffer[] = [];
  for (const url of urls) pieces.push((await fetchOk(url)).bytes);
  return pieces;
};

describe.skipIf(!FFMPEG)('a film that is replaced while it plays', () => {
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-replacement-'));
    site = await UploadSite.start({ streamer: { mode: 'managed' } });
    await letPublicWatch();
  });
  afterAll(async () => {
    await site?.dispose();
    await rm(directory, { recursive: true, force: true });
  });

  it('is seen to its end by who began it, the new one by who comes later, and a kill of Strapi between loses nothing', async () => {
    const [first, second] = [await makeFilm('testsrc2'), await makeFilm('testsrc')];
    const [oldPictures, newPictures] = [await frameHashes(first), await frameHashes(second)];
    const upload = async (name: string, file: string, replaces?: number) =>
      (await uploadToMediaLibrary(site, site, { name, bytes: await readFile(file), ...(replaces && { replaces }) }))
        .file;
    const { id } = await upload('first.mp4', first);
    const video = await publishVideo(site, site, { source: id });
    const hlsOf = async () => {
      const address = String((await mint(site, video, null)).urls.hls);
      await until('the streamer runs', async () => (await fetch(address)).ok);
      return address;
    };

    const address = await hlsOf();
    const [media] = mediaPlaylistUrls(await fetchOk(address));
    const session = new URL(String(media)).pathname;
    const [init, begun, ...rest] = segmentUrls(await fetchOk(String(media)));
    expect(rest.length).toBeGreaterThan(1);
    const seen = await fetchAll([String(init), String(begun)]);
    await upload('second.mp4', second, id);
    const [later] = await playHls(await hlsOf());
    expect(await picturesOf([later?.bytes ?? Buffer.alloc(0)])).toEqual(newPictures);
    seen.push(...(await fetchAll(rest)));
    const pictures = await picturesOf(seen);
    expect(pictures).toHaveLength(PICTURES);
    expect(pictures).toEqual(oldPictures);
    expect(pictures).not.toEqual(newPictures);

    await site.kill();
    expect(await filesBelow('library')).toEqual(expect.arrayContaining(['first.mp4', 'second.mp4']));
    await site.boot();
    await until('the old session goes on', async () => (await fetch(site.url + session)).ok);
    const again = await fetchAll(segmentUrls(await fetchOk(site.url + session)));
    expect(await picturesOf(again)).toEqual(oldPictures);
    await sendAsAdmin(site, site, '/protected-vod/sessions/end', { video });
    await until('the old film is in the trash', async () => (await filesBelow('trash')).includes('first.mp4'));
    expect(await filesBelow('library')).toEqual(['second.mp4']);
    const [last] = await playHls(await hlsOf());
    expect(await picturesOf([last?.bytes ?? Buffer.alloc(0)])).toEqual(newPictures);
  });
});
