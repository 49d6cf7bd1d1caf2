import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CLIP_PATH, clip, clipWithoutEnd, png } from '../support/clips';
import { publishVideo } from '../support/films';
import { deleteFromMediaLibrary, type MediaFile, uploadToMediaLibrary } from '../support/media-library';
import { type AdminAccount, createAdmin } from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

const ASSET_UID = 'plugin::protected-vod.asset';
const FILE_UID = 'plugin::upload.file';
const FOLDER_UID = 'plugin::upload.folder';
const VIDEO_UID = 'plugin::protected-vod.video';

interface Line {
  kind: string;
  name: string;
  documentId: string;
  assetId?: string;
  key?: string;
  url?: string;
  code?: string;
  reason?: string;
}

let app: StrapiApp;
let admin: AdminAccount;
let directory: string;

const care = () => app.strapi.plugin('protected-vod').service('storage-care');
const uploads = (name = '') => path.join(app.strapi.dirs.static.public, 'uploads', name);
const stored = (key: string) => path.join(app.storageRoot, key);
const newPublicFiles = () => readdir(uploads());
const rowOf = (id: number) => app.strapi.db.query(FILE_UID).findOne({ where: { id }, populate: { folder: true } });
const statusOf = async (url: string) => (await fetch(app.url + url, { method: 'HEAD' })).status;
const shown = (lines: Line[]) =>
  lines.map(({ kind, name, code, reason }) => [kind, name, code ?? reason].filter(Boolean).join(' '));

async function all(events: AsyncIterable<Line>): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of events) lines.push(line);
  return lines;
}

const adopt = (options = {}) => all(care().adopt({ documentIds: null, isDryRun: false, ...options }));
const release = (options = {}) =>
  all(care().release({ documentIds: null, isDryRun: false, isForced: false, ...options }));

/** A file as the Media Library kept it before the plugin came. */
async function publicFile(name: string, bytes: Buffer, folder: number | null = null): Promise<MediaFile> {
  const ext = path.extname(name);
  const hash = `${path.basename(name, ext)}_0a1b2c3d4e`;
  await writeFile(uploads(`${hash}${ext}`), bytes);
  const mime = ext === '.png' ? 'image/png' : 'video/mp4';
  const folderPath =
    folder === null ? '/' : (await app.strapi.db.query(FOLDER_UID).findOne({ where: { id: folder } })).path;
  const size = bytes.byteLength / 1000;
  const data = { name, hash, ext, mime, size, url: `/uploads/${hash}${ext}`, provider: 'local', folder, folderPath };
  return app.strapi.db.query(FILE_UID).create({ data });
}

/** As it may have been before the plugin refused sources that are public. */
function draftOf(source: number): Promise<{ id: number }> {
  const documentId = randomBytes(12).toString('hex');
  const data = { documentId, title: 'Draft', source, publishedAt: null, locale: 'en' };
  return app.strapi.db.query(VIDEO_UID).create({ data });
}

const assetIdOf = ({ url }: { url: string }) => url.slice(url.lastIndexOf('/') + 1);

const newFolder = async (name: string) =>
  ((await app.strapi.plugin('upload').service('folder').create({ name, parent: null })) as { id: number }).id;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-public-'));
  await mkdir(path.join(directory, 'uploads'));
  app = await startStrapiApp({
    env: { PUBLIC_DIR: directory },
    pluginConfig: { streamer: { mode: 'external' }, storage: { publicFolders: ['/Promo'] } },
  });
  admin = await createAdmin(app);
});
afterAll(async () => {
  await app.stop();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  for (const uid of [VIDEO_UID, ASSET_UID, FILE_UID, FOLDER_UID]) await app.strapi.db.query(uid).deleteMany({});
  for (const area of ['library', 'trash']) await rm(stored(area), { recursive: true, force: true });
});
afterEach(async () => {
  for (const name of await newPublicFiles()) await rm(uploads(name));
});

describe('S22 storage adopt', () => {
  test('protects what was public: row and relations stay, the public bytes go', async () => {
    const folder = await newFolder('Old');
    const film = await publicFile('film.mp4', clip(), folder);
    const logo = await publicFile('logo.png', png());
    const draft = await draftOf(film.id);
    expect(await statusOf(film.url)).toBe(200);

    const lines = await adopt();
    expect(shown(lines)).toEqual(['adopted film.mp4']);
    const [{ assetId = '', key = '' } = {}] = lines;
    expect(key).toBe('library/Old/film.mp4');
    expect(await rowOf(film.id)).toMatchObject({
      id: film.id,
      documentId: film.documentId,
      name: 'film.mp4',
      folder: { id: folder },
      url: `/protected-vod/asset/${assetId}`,
      provider_metadata: { protectedVod: { assetId } },
    });
    const shownBy = await app.strapi.db
      .query(VIDEO_UID)
      .findOne({ where: { id: draft.id }, populate: { source: true } });
    expect(shownBy.source.id).toBe(film.id);
    expect(await statusOf(film.url)).toBe(404);
    expect(await newPublicFiles()).toEqual([path.basename(logo.url)]);
    expect((await readFile(stored(key))).equals(clip())).toBe(true);
    expect((await stat(stored(key))).mode & 0o777).toBe(0o600);
    // It can be published now, and deleted like any other.
    await publishVideo(app, admin, { source: film.id });
    expect(await adopt()).toEqual([]);
  });

  test('says beforehand what it would do, and takes only what is named', async () => {
    const [one, other] = [await publicFile('one.mp4', clip()), await publicFile('other.mp4', clip())];
    expect(shown(await adopt({ isDryRun: true }))).toEqual(['would-adopt one.mp4', 'would-adopt other.mp4']);
    expect(shown(await adopt({ documentIds: [other.documentId] }))).toEqual(['adopted other.mp4']);
    expect([await statusOf(one.url), await statusOf(other.url)]).toEqual([200, 404]);
  });

  test('leaves what is to stay public, what lies elsewhere, and what is refused', async () => {
    const promo = await publicFile('promo.mp4', clip(), await newFolder('Promo'));
    const cut = await publicFile('cut.mp4', clipWithoutEnd());
    const remote = await publicFile('remote.mp4', clip());
    const url = 'https://bucket.example/remote.mp4';
    await app.strapi.db.query(FILE_UID).update({ where: { id: remote.id }, data: { url, provider: 'aws-s3' } });
    expect(shown(await adopt())).toEqual([
      'skipped promo.mp4 public-folder',
      'refused cut.mp4 film-is-incomplete',
      'skipped remote.mp4 other-provider',
    ]);
    expect([await statusOf(promo.url), await statusOf(cut.url)]).toEqual([200, 200]);
    expect((await rowOf(remote.id)).url).toBe(url);
    expect(await app.strapi.db.query(ASSET_UID).count({})).toBe(0);
  });

  test('passes by a picture whose bytes are gone; of a film that is told', async () => {
    const [picture, film] = [await publicFile('picture.png', png()), await publicFile('film.mp4', clip())];
    for (const { hash, ext } of [picture, film].map((file) => file as MediaFile & { hash: string }))
      await rm(uploads(hash + ext));
    expect(shown(await adopt())).toEqual(['failed film.mp4 file-missing']);
  });

  test('by content too: a film that was called a picture is protected', async () => {
    const film = await publicFile('picture.png', clip());
    expect(shown(await adopt())).toEqual(['adopted picture.png']);
    expect(await statusOf(film.url)).toBe(404);
  });

  test('cut off before its row changed, it is ended by a further run with the bytes that are stored', async () => {
    const film = await publicFile('film.mp4', clip());
    const heal = app.strapi.db.lifecycles.subscribe({
      models: [FILE_UID],
      // The row is looked at once more before it changes.
      beforeFindOne() {
        throw new Error('power cut');
      },
    });
    await expect(adopt()).rejects.toThrow('power cut');
    heal();
    expect(await statusOf(film.url)).toBe(200);
    expect(shown(await adopt())).toEqual(['adopted film.mp4']);
    expect(await app.strapi.db.query(ASSET_UID).count({})).toBe(1);
    expect(await newPublicFiles()).toEqual([]);
  });

  test('cut off before the public bytes went, a further run removes them, if they are that film', async () => {
    const film = await publicFile('film.mp4', clip());
    await adopt();
    const name = path.basename(film.url);
    await copyFile(CLIP_PATH, uploads(name));
    expect(shown(await adopt())).toEqual(['leftover-removed film.mp4']);
    expect(await newPublicFiles()).toEqual([]);
    await writeFile(uploads(name), 'something else');
    expect(shown(await adopt())).toEqual(['failed film.mp4 leftover-differs']);
    expect(existsSync(uploads(name))).toBe(true);
  });

  test('takes the public bytes away with the last row that stands for them', async () => {
    const [one, other] = [await publicFile('film.mp4', clip()), await publicFile('film.mp4', clip())];
    expect(one.url).toBe(other.url);
    expect(shown(await adopt({ documentIds: [one.documentId] }))).toEqual(['adopted film.mp4']);
    expect(shown(await adopt({ documentIds: [one.documentId] }))).toEqual([]);
    expect(await statusOf(other.url)).toBe(200);
    expect(shown(await adopt())).toEqual(['adopted film.mp4']);
    expect(await statusOf(other.url)).toBe(404);
    expect((await rowOf(one.id)).url).not.toBe((await rowOf(other.id)).url);
  });

  test('never follows a symbolic link, and copies a file that has other names', async () => {
    const linked = await publicFile('linked.mp4', clip());
    await rm(uploads(path.basename(linked.url)));
    await symlink(CLIP_PATH, uploads(path.basename(linked.url)));
    const shared = await publicFile('shared.mp4', clip());
    const outside = path.join(app.storageRoot, '../other-name.mp4');
    await link(uploads(path.basename(shared.url)), outside);

    const lines = await adopt();
    expect(shown(lines)).toEqual(['failed linked.mp4 file-not-plain', 'adopted shared.mp4']);
    await writeFile(outside, 'changed through its other name');
    expect((await readFile(stored(lines[1]?.key ?? ''))).equals(clip())).toBe(true);
    await rm(outside);
  });
});

describe('storage release', () => {
  const protectedFile = async (name: string) => (await uploadToMediaLibrary(app, admin, { name, bytes: clip() })).file;

  test('makes a film public again: row and relations stay, the protected bytes are in the trash', async () => {
    const file = await protectedFile('film.mp4');
    const draft = await draftOf(file.id);
    const lines = await release();
    expect(shown(lines)).toEqual(['released film.mp4']);
    const url = lines[0]?.url ?? '';
    expect(await rowOf(file.id)).toMatchObject({ documentId: file.documentId, url, provider_metadata: null });
    expect(Buffer.from(await (await fetch(app.url + url)).arrayBuffer()).equals(clip())).toBe(true);
    const shownBy = await app.strapi.db
      .query(VIDEO_UID)
      .findOne({ where: { id: draft.id }, populate: { source: true } });
    expect(shownBy.source.id).toBe(file.id);
    expect(await care().listTrash()).toMatchObject([{ fileName: 'film.mp4', reason: 'released' }]);
    expect(await readdir(stored('library'))).toEqual([]);
    // And back again.
    expect(shown(await adopt())).toEqual(['adopted film.mp4']);
    expect(await statusOf(url)).toBe(404);
    expect((await deleteFromMediaLibrary(app, admin, file.id)).status).toBe(200);
  });

  test('does nothing beforehand, and leaves what a published video plays unless forced', async () => {
    const [used, free] = [await protectedFile('used.mp4'), await protectedFile('free.mp4')];
    await publishVideo(app, admin, { source: used.id, title: 'Lecture 1' });
    expect(shown(await release({ isDryRun: true }))).toEqual(['failed used.mp4 film-in-use', 'would-release free.mp4']);
    expect(await newPublicFiles()).toEqual([]);
    expect(shown(await release())).toEqual(['failed used.mp4 film-in-use', 'released free.mp4']);
    expect((await rowOf(used.id)).url).toBe(used.url);
    expect(shown(await release({ isForced: true }))).toEqual(['released used.mp4']);
    expect((await rowOf(free.id)).url).toMatch(/^\/uploads\//);
  });

  test('ends with a sweep where the protected bytes could not go: nobody plays them meanwhile', async () => {
    const file = await protectedFile('film.mp4');
    // Whatever is to be put there today fails.
    await rm(stored('trash'), { recursive: true, force: true });
    await writeFile(stored('trash'), 'not a directory');
    expect(shown(await release())).toEqual([expect.stringMatching(/^failed film\.mp4 /)]);
    const asset = () => app.strapi.db.query(ASSET_UID).findOne({ where: { documentId: assetIdOf(file) } });
    expect(await asset()).toMatchObject({ state: 'replaced', reason: 'released' });
    expect(await readdir(stored('library'))).toContain('film.mp4');
    await rm(stored('trash'));
    await app.strapi.plugin('protected-vod').service('film-replacement').sweep();
    expect(await asset()).toMatchObject({ state: 'trashed', reason: 'released' });
    expect(await readdir(stored('library'))).toEqual([]);
  });

  test('publishes no byte of a film that is damaged', async () => {
    const file = await protectedFile('film.mp4');
    await writeFile(stored('library/film.mp4'), Buffer.from(clip()).fill(0, 5000, 5001));
    expect(shown(await release())).toEqual(['failed film.mp4 storage-damaged']);
    expect(await newPublicFiles()).toEqual([]);
    expect((await rowOf(file.id)).url).toBe(file.url);
  });
});
