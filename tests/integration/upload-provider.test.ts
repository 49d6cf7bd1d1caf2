import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clip, clipWithoutEnd, png } from '../support/clips';
import { deleteFromMediaLibrary, type MediaUpload, uploadToMediaLibrary } from '../support/media-library';
import { type AdminAccount, createAdmin } from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

const VIDEO_UID = 'plugin::protected-vod.video' as never;
const ASSET_UID = 'plugin::protected-vod.asset';

let app: StrapiApp;
let admin: AdminAccount;
let publicBefore: Set<string>;

const publicUploads = () => path.join(app.strapi.dirs.static.public, 'uploads');
const newPublicFiles = async () => (await readdir(publicUploads())).filter((name) => !publicBefore.has(name));
const upload = (options: MediaUpload) => uploadToMediaLibrary(app, admin, options);
const assetRows = () => app.strapi.db.query(ASSET_UID).findMany({ orderBy: { id: 'asc' } });
const assetIdOf = (url: string) => url.slice(url.lastIndexOf('/') + 1);
const findAsset = (url: string) => app.strapi.db.query(ASSET_UID).findOne({ where: { documentId: assetIdOf(url) } });

async function filesBelow(area: string): Promise<string[]> {
  const entries = await readdir(path.join(app.storageRoot, area), { recursive: true, withFileTypes: true });
  return entries.filter((e) => e.isFile()).map((e) => path.relative(app.storageRoot, path.join(e.parentPath, e.name)));
}

async function folder(name: string, parent?: number): Promise<number> {
  const response = await fetch(`${app.url}/upload/folders`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name, parent: parent ?? null }),
  });
  return ((await response.json()) as { data: { id: number } }).data.id;
}

beforeAll(async () => {
  app = await startStrapiApp({
    pluginConfig: { streamer: { mode: 'external' }, storage: { publicFolders: ['/Promo'] } },
  });
  admin = await createAdmin(app);
  publicBefore = new Set(await readdir(publicUploads()));
});

afterAll(async () => {
  for (const name of await newPublicFiles()) await rm(path.join(publicUploads(), name));
  await app.stop();
});

describe('a film that comes in through the Media Library', () => {
  test('lies in protected storage, under its own name, in the tree of its folders, private to this user', async () => {
    const year = await folder('Vorträge: 2026', await folder('Uni'));
    const { status, file } = await upload({ name: 'talk.mp4', bytes: clip(), folder: year });

    expect(status).toBe(201);
    const stored = path.join(app.storageRoot, 'library/Uni/Vorträge_ 2026/talk.mp4');
    expect((await readFile(stored)).equals(clip())).toBe(true);
    expect((await stat(stored)).mode & 0o777).toBe(0o600);
    expect((await stat(path.dirname(stored))).mode & 0o777).toBe(0o700);
    const metadata = JSON.parse(await readFile(`${stored}.vod.json`, 'utf8'));
    expect(metadata).toMatchObject({
      assetId: assetIdOf(file.url),
      fileName: 'talk.mp4',
      sizeBytes: clip().byteLength,
    });
    expect(await newPublicFiles()).toEqual([]);
    expect(await filesBelow('incoming')).toEqual([]);
  });

  test('has an address that answers 404 and public metadata that names nothing but the asset', async () => {
    const { file } = await upload({ name: 'inert.mp4', bytes: clip() });
    expect(file.provider_metadata).toEqual({ protectedVod: { assetId: assetIdOf(file.url) } });
    expect(file.url).toMatch(/^\/protected-vod\/asset\/[a-z0-9]+$/);
    expect((await fetch(app.url + file.url)).status).toBe(404);
    expect((await fetch(`${app.url}/uploads/inert.mp4`)).status).toBe(404);
  });

  test('gets an asset row that says what it is', async () => {
    const { file } = await upload({ name: 'row.mp4', bytes: clip() });
    const granted = await app.strapi.plugin('protected-vod').service('asset').grantedAssets()(assetIdOf(file.url));
    expect(granted).toMatchObject({
      id: assetIdOf(file.url),
      fileName: 'row.mp4',
      mime: 'video/mp4',
      durationSeconds: 30,
      renditions: [{ id: 'source', storageKey: 'library/row.mp4', sizeBytes: clip().byteLength }],
    });
    const found = await app.strapi.plugin('protected-vod').service('asset').findByFileId(file.id);
    expect(found.documentId).toBe(assetIdOf(file.url));
  });

  test('keeps the other film of its name: the second one is called (2)', async () => {
    await upload({ name: 'same.mp4', bytes: clip() });
    const second = await upload({ name: 'same.mp4', bytes: clip() });
    expect((await findAsset(second.file.url)).storageKey).toBe('library/same (2).mp4');
  });
});

describe('S22 what says audio or video anywhere is protected', () => {
  test.each([
    ['by its content', { name: 'notes.bin', type: 'application/octet-stream' }],
    ['by its extension', { name: 'film.m4v', type: 'application/octet-stream' }],
  ])('%s', async (_, options) => {
    const { status, file } = await upload({ ...options, bytes: clip() });
    expect(status).toBe(201);
    expect(file.url).toMatch(/^\/protected-vod\/asset\//);
    expect(await newPublicFiles()).toEqual([]);
  });

  test('by its declared type alone: text that is declared a film is refused, not published', async () => {
    const { status, error } = await upload({ name: 'talk.txt', bytes: Buffer.from('hello'), type: 'video/mp4' });
    expect(status).toBe(400);
    expect(error.message).toBe('“talk.txt” is not a film: its content is plain text.');
    expect(await newPublicFiles()).toEqual([]);
  });

  test('except in a public folder, where films stay public', async () => {
    const { file } = await upload({ name: 'promo.mp4', bytes: clip(), folder: await folder('Promo') });
    expect(file.url).toMatch(/^\/uploads\//);
    expect((await fetch(app.url + file.url)).status).toBe(200);
    expect((await deleteFromMediaLibrary(app, admin, file.id)).status).toBe(200);
    expect(await newPublicFiles()).toEqual([]);
  });
});

describe('what cannot be protected is refused with a sentence and leaves nothing', () => {
  test.each([
    ['text', Buffer.from('hello'), '“talk.mp4” is not a film: its content is plain text.', 'film-is-not-a-film'],
    [
      'a playlist',
      Buffer.from('#EXTM3U\n#EXTINF:1,\n/etc/passwd\n'),
      '“talk.mp4” is a text playlist, not a film.',
      'film-is-playlist',
    ],
    [
      'a cut-off film',
      clipWithoutEnd(),
      '“talk.mp4” is incomplete: the upload or the export was cut off.',
      'film-is-incomplete',
    ],
    ['a picture', png(), '“talk.mp4” is not a film: its content is image/png.', 'film-is-not-a-film'],
  ])('%s', async (_, bytes, sentence, code) => {
    const [library, assets] = [await filesBelow('library'), await assetRows()];
    const { status, error } = await upload({ name: 'talk.mp4', bytes });
    expect(status).toBe(400);
    expect(error.message).toBe(sentence);
    expect(error.details.code).toBe(code);
    expect(await filesBelow('library')).toEqual(library);
    expect(await filesBelow('incoming')).toEqual([]);
    expect(await newPublicFiles()).toEqual([]);
    expect(await assetRows()).toEqual(assets);
  });
});

test('a PNG still goes to the public folder, and its deletion removes it there', async () => {
  const { file } = await upload({ name: 'logo.png', bytes: png(), type: 'image/png' });
  expect(file.url).toMatch(/^\/uploads\//);
  expect((await fetch(app.url + file.url)).status).toBe(200);
  expect((await deleteFromMediaLibrary(app, admin, file.id)).status).toBe(200);
  expect(await newPublicFiles()).toEqual([]);
});

describe('replacing a film never touches a public folder', () => {
  test('film by film: the new one is protected, the old one is in the trash', async () => {
    const old = await upload({ name: 'old.mp4', bytes: clip() });
    const { status, file } = await upload({ name: 'new.mp4', bytes: clip(), replaces: old.file.id });
    expect(status).toBe(200);
    expect(file.id).toBe(old.file.id);
    expect(file.url).not.toBe(old.file.url);
    expect((await findAsset(file.url)).storageKey).toBe('library/new.mp4');
    const trashed = await findAsset(old.file.url);
    expect(trashed).toMatchObject({ state: 'trashed' });
    expect(existsSync(path.join(app.storageRoot, trashed.trashKey))).toBe(true);
    expect(await newPublicFiles()).toEqual([]);
  });

  test('film by a bad film: refused, and the old one stays', async () => {
    const old = await upload({ name: 'kept.mp4', bytes: clip() });
    const { status } = await upload({ name: 'bad.mp4', bytes: clipWithoutEnd(), replaces: old.file.id });
    expect(status).toBe(400);
    expect(await findAsset(old.file.url)).toMatchObject({ state: 'ready' });
    const row = await app.strapi.db.query('plugin::upload.file').findOne({ where: { id: old.file.id } });
    expect(row.url).toBe(old.file.url);
  });

  test('film by picture: the picture is public with all its sizes, the row no longer claims a film', async () => {
    const old = await upload({ name: 'film.mp4', bytes: clip() });
    const { status, file } = await upload({
      name: 'still.png',
      bytes: png(),
      type: 'image/png',
      replaces: old.file.id,
    });
    expect(status).toBe(200);
    expect(file).toMatchObject({ ext: '.png', mime: 'image/png', provider_metadata: null });
    expect((await fetch(app.url + file.url)).headers.get('content-type')).toBe('image/png');
    expect(await findAsset(old.file.url)).toMatchObject({ state: 'trashed' });
    await deleteFromMediaLibrary(app, admin, file.id);
    expect(await newPublicFiles()).toEqual([]);
  });

  test('picture by film: the picture leaves the public folder, the film never enters it', async () => {
    const old = await upload({ name: 'cover.png', bytes: png(), type: 'image/png' });
    const { file } = await upload({ name: 'cover.mp4', bytes: clip(), replaces: old.file.id });
    expect(file).toMatchObject({ ext: '.mp4', mime: 'video/mp4' });
    expect(file.url).toMatch(/^\/protected-vod\/asset\//);
    expect(await newPublicFiles()).toEqual([]);
  });
});

describe('deleting a film', () => {
  test('moves bytes and metadata to the dated trash, from where they can be restored', async () => {
    const { file } = await upload({ name: 'gone.mp4', bytes: clip() });
    expect((await deleteFromMediaLibrary(app, admin, file.id)).status).toBe(200);
    const asset = await findAsset(file.url);
    expect(asset.trashKey).toMatch(/^trash\/\d{4}-\d\d-\d\d\/[a-z0-9]+\/gone\.mp4$/);
    expect(existsSync(path.join(app.storageRoot, 'library/gone.mp4'))).toBe(false);

    const assets = app.strapi.plugin('protected-vod').service('asset');
    expect(await assets.grantedAssets()(asset.documentId)).toBeNull();
    await assets.restore(asset.documentId);
    expect((await readFile(path.join(app.storageRoot, 'library/gone.mp4'))).equals(clip())).toBe(true);
    expect(existsSync(path.join(app.storageRoot, 'library/gone.mp4.vod.json'))).toBe(true);
    expect(await assets.countFiles(asset.documentId)).toBe(1);
  });

  test('that a published video uses is refused, unless the admin insists', async () => {
    const { file } = await upload({ name: 'used.mp4', bytes: clip() });
    const videos = app.strapi.documents(VIDEO_UID);
    await videos.create({ data: { title: 'Lecture 1', source: file.id } as never, status: 'published' });
    const refused = await deleteFromMediaLibrary(app, admin, file.id);
    expect(refused.status).toBe(400);
    expect(refused.error.message).toContain('“Lecture 1”');
    expect(refused.error.details.code).toBe('film-in-use');
    expect(await findAsset(file.url)).toMatchObject({ state: 'ready' });

    expect((await deleteFromMediaLibrary(app, admin, file.id, '?force=true')).status).toBe(200);
    expect(await findAsset(file.url)).toMatchObject({ state: 'trashed' });
  });
});

describe('the entrance for sites that name the provider in config/plugins', () => {
  interface Entrance {
    init(options: unknown): Record<string, (file: object) => Promise<unknown>>;
  }
  const entrance = createRequire(import.meta.url)('../../dist/upload-provider/index.js') as Entrance;

  test('passes on to its delegate what the plugin does not keep', async () => {
    const provider = entrance.init({ delegate: 'local', delegateOptions: {} });
    const file = { hash: 'entrance', ext: '.png', buffer: png(), url: '' };
    await provider.upload?.(file);
    expect(file.url).toBe('/uploads/entrance.png');
    await provider.delete?.(file);
    expect(await newPublicFiles()).toEqual([]);
  });

  test('stores nothing while the plugin is not in front of it', async () => {
    const provider = entrance.init({ delegate: 'local' });
    const upload = app.strapi.plugin('upload') as unknown as { provider: object };
    const routed = upload.provider;
    upload.provider = {};
    try {
      expect(() => provider.upload?.({ hash: 'x', ext: '.mp4', buffer: clip() })).toThrow(
        'while that plugin is enabled',
      );
    } finally {
      upload.provider = routed;
    }
    expect(await newPublicFiles()).toEqual([]);
  });

  test('refuses a delegate that does not exist', () => {
    expect(() => entrance.init({ delegate: 'no-such-provider' })).toThrow(/Cannot find module/);
  });
});
