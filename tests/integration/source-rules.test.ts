import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clip, png } from '../support/clips';
import { type MediaFile, uploadToMediaLibrary } from '../support/media-library';
import { type AdminAccount, createAdmin, createAdminWith } from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

const VIDEO_UID = 'plugin::protected-vod.video';
const FIELDS = { fields: ['title', 'source', 'slug', 'description'], locales: ['en'] };
const explorer = (action: string, conditions: string[] = []) => ({
  action: `plugin::content-manager.explorer.${action}`,
  subject: VIDEO_UID,
  properties: action === 'publish' ? { locales: ['en'] } : FIELDS,
  conditions,
});

let app: StrapiApp;
let admin: AdminAccount;
let film: MediaFile;
let promo: MediaFile;
let image: MediaFile;

interface Answer {
  status: number;
  data: { documentId: string };
  error: { message: string; details: { code?: string } };
}

async function contentManager(account: AdminAccount, method: string, suffix: string, body: object): Promise<Answer> {
  const response = await fetch(`${app.url}/content-manager/collection-types/${VIDEO_UID}${suffix}`, {
    method,
    headers: { authorization: `Bearer ${account.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    error: { message: '', details: {} },
    ...((await response.json()) as object),
  } as Answer;
}

const createVideo = (source: unknown, account = admin, title = 'A video') =>
  contentManager(account, 'POST', '', { title, source });
const documents = () => app.strapi.documents(VIDEO_UID as never);
const rows = () => app.strapi.db.query(VIDEO_UID).count();

beforeAll(async () => {
  app = await startStrapiApp({
    pluginConfig: { streamer: { mode: 'external' }, storage: { publicFolders: ['/Promo'] } },
  });
  admin = await createAdmin(app);
  const folder = await app.strapi.plugin('upload').service('folder').create({ name: 'Promo', parent: null });
  film = (await uploadToMediaLibrary(app, admin, { name: 'film.mp4', bytes: clip() })).file;
  promo = (await uploadToMediaLibrary(app, admin, { name: 'promo.mp4', bytes: clip(), folder: folder.id })).file;
  image = (await uploadToMediaLibrary(app, admin, { name: 'image.png', bytes: png(), type: 'image/png' })).file;
});

afterAll(async () => {
  for (const { id } of [promo, image]) {
    const file = await app.strapi.plugin('upload').service('upload').findOne(id);
    await app.strapi.plugin('upload').service('upload').remove(file);
  }
  await app.stop();
});

describe('S22 a source lies in protected storage', () => {
  test.each([
    ['as an id', (id: number) => id],
    ['as an object', (id: number) => ({ id })],
    ['as a set', (id: number) => ({ set: [{ id }] })],
  ])('a public film is refused, named %s', async (_, shape) => {
    const before = await rows();
    const answer = await createVideo(shape(promo.id));
    expect(answer.status).toBe(400);
    expect(answer.error.message).toContain('“promo.mp4” is not in protected storage');
    expect(answer.error.details.code).toBe('source-not-protected');
    expect(await rows()).toBe(before);
  });

  test('a public film named as a connection is attached by nothing', async () => {
    await createVideo({ connect: [{ id: promo.id }] });
    expect(await app.strapi.db.query(VIDEO_UID).count({ where: { source: { id: promo.id } } })).toBe(0);
  });

  test('a picture is refused', async () => {
    expect((await createVideo({ id: image.id })).status).toBe(400);
  });

  test('a protected film is taken, and can be published', async () => {
    const created = await createVideo({ id: film.id });
    expect(created.status).toBe(201);
    const published = await contentManager(admin, 'POST', `/${created.data.documentId}/actions/publish`, {});
    expect(published.status).toBe(200);
  });

  test('an update that brings in a public film is undone as a whole', async () => {
    const created = await createVideo({ id: film.id });
    const suffix = `/${created.data.documentId}`;
    const answer = await contentManager(admin, 'PUT', suffix, { title: 'Changed', source: { id: promo.id } });
    expect(answer.status).toBe(400);
    const row = await documents().findOne({ documentId: created.data.documentId, populate: ['source'] as never });
    expect(row).toMatchObject({ title: 'A video', source: { id: film.id } });
  });

  test('code that publishes in one step is held to it too', async () => {
    const data = { title: 'By code', source: promo.id } as never;
    await expect(documents().create({ data, status: 'published' })).rejects.toThrow('not in protected storage');
    await expect(app.strapi.db.query(VIDEO_UID).count({ where: { title: 'By code' } })).resolves.toBe(0);
  });

  test('a video whose film was taken away cannot be published', async () => {
    const { file } = await uploadToMediaLibrary(app, admin, { name: 'lost.mp4', bytes: clip() });
    const created = await createVideo({ id: file.id });
    const assetId = (file.provider_metadata as { protectedVod: { assetId: string } }).protectedVod.assetId;
    await app.strapi.plugin('protected-vod').service('asset').trash(assetId, 'test');
    const answer = await contentManager(admin, 'POST', `/${created.data.documentId}/actions/publish`, {});
    expect(answer.status).toBe(400);
    expect(answer.error.details.code).toBe('source-not-ready');
  });

  test('a video without a source may be published', async () => {
    const created = await createVideo(null);
    expect((await contentManager(admin, 'POST', `/${created.data.documentId}/actions/publish`, {})).status).toBe(200);
  });
});

describe('S10 a film that other videos use', () => {
  test('cannot be attached by an admin who may not edit those videos', async () => {
    await createVideo({ id: film.id });
    const own = await createAdminWith(app, [
      explorer('create'),
      explorer('read', ['admin::is-creator']),
      explorer('update', ['admin::is-creator']),
    ]);
    const before = await rows();
    const answer = await createVideo({ id: film.id }, own);
    expect(answer.status).toBe(403);
    expect(answer.error.message).toContain('belongs to a video that you may not edit');
    expect(answer.error.details.code).toBe('source-shared');
    expect(await rows()).toBe(before);
    expect((await createVideo(null, own)).status).toBe(201);
  });

  test('can be attached by an admin who may edit all of them', async () => {
    const editor = await createAdminWith(app, [explorer('create'), explorer('read'), explorer('update')]);
    expect((await createVideo({ id: film.id }, editor)).status).toBe(201);
  });

  test('stays attached when an admin who attached it edits the rest of the entry', async () => {
    const own = await createAdminWith(app, [
      explorer('create'),
      explorer('read', ['admin::is-creator']),
      explorer('update', ['admin::is-creator']),
    ]);
    const { file } = await uploadToMediaLibrary(app, admin, { name: 'own.mp4', bytes: clip() });
    const created = await createVideo({ id: file.id }, own);
    await createVideo({ id: file.id }, admin, 'Another one');
    const suffix = `/${created.data.documentId}`;
    expect((await contentManager(own, 'PUT', suffix, { title: 'Changed', source: { id: file.id } })).status).toBe(200);
    expect((await contentManager(own, 'POST', `/clone/${created.data.documentId}`, { title: 'Clone' })).status).toBe(
      403,
    );
  });
});
