import { appendFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { clip, clipWithHiddenLeadIn } from '../support/clips';
import { publishVideo } from '../support/films';
import { deleteFromMediaLibrary, uploadToMediaLibrary } from '../support/media-library';
import { type AdminAccount, createAdmin } from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

const ASSET_UID = 'plugin::protected-vod.asset';
const FILE_UID = 'plugin::upload.file';
const FOLDER_UID = 'plugin::upload.folder';
const NOW = { isQuick: false, minAgeSeconds: 0 };

let app: StrapiApp;
let admin: AdminAccount;

interface Row {
  documentId: string;
  storageKey: string;
  trashKey: string | null;
  state: string;
}

const care = () => app.strapi.plugin('protected-vod').service('storage-care');
const rowOf = async (id: string) =>
  (await app.strapi.db.query(ASSET_UID).findOne({ where: { documentId: id } })) as Row;
const onDisk = (key: string) => path.join(app.storageRoot, key);

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const event of events) list.push(event);
  return list;
}

const findings = async (options = NOW) =>
  (await all<{ code: string; key: string }>(care().verify(options))).map(({ code, key }) => `${code} ${key}`);

async function upload(
  name: string,
  folder?: number,
): Promise<{ id: number; asset: string; key: string; bytes: Buffer }> {
  const bytes = clip();
  const { file } = await uploadToMediaLibrary(app, admin, { name, bytes, ...(folder && { folder }) });
  const asset = file.url.slice(file.url.lastIndexOf('/') + 1);
  return { id: file.id, asset, key: (await rowOf(asset)).storageKey, bytes };
}

async function removeAll(): Promise<void> {
  for (const uid of [ASSET_UID, FILE_UID, FOLDER_UID]) await app.strapi.db.query(uid).deleteMany({});
  for (const area of ['library', 'trash']) {
    for (const name of await readdir(onDisk(area))) await rm(onDisk(`${area}/${name}`), { recursive: true });
  }
}

beforeAll(async () => {
  app = await startStrapiApp({
    pluginConfig: { streamer: { mode: 'external' }, session: { leaseSeconds: 4, outageGraceSeconds: 0 } },
  });
  admin = await createAdmin(app);
});
afterAll(() => app.stop());
beforeEach(removeAll);

describe('storage verify', () => {
  test('finds what is missing, damaged, wrong and unclaimed, on both sides, and changes nothing', async () => {
    const [missing, damaged, shorter, undescribed, wrong] = [
      await upload('missing.mp4'),
      await upload('damaged.mp4'),
      await upload('shorter.mp4'),
      await upload('undescribed.mp4'),
      await upload('wrong.mp4'),
    ];
    expect(await findings()).toEqual([]);

    await rm(onDisk(missing.key));
    await writeFile(onDisk(damaged.key), Buffer.from(damaged.bytes).fill(0, 5000, 5001));
    await writeFile(onDisk(shorter.key), 'x');
    await rm(onDisk(`${undescribed.key}.vod.json`));
    await writeFile(onDisk(`${wrong.key}.vod.json`), '{"version": 1');
    await writeFile(onDisk('library/stray.mp4'), 'nobody’s');
    await symlink('/etc/hostname', onDisk('library/link.mp4'));

    const found = [
      `film-missing ${missing.key}`,
      `film-damaged ${damaged.key}`,
      `film-damaged ${shorter.key}`,
      `metadata-missing ${undescribed.key}`,
      `metadata-wrong ${wrong.key}`,
    ];
    const strays = ['not-a-file library/link.mp4', 'file-unclaimed library/stray.mp4'];
    expect(new Set(await findings())).toEqual(new Set([...found, ...strays]));
    // A byte that was changed does not show in the size, and what has just come may be an upload.
    const quick = await findings({ isQuick: true, minAgeSeconds: 600 });
    expect(quick).toEqual(found.filter((line) => line !== `film-damaged ${damaged.key}`));
    expect(await readFile(onDisk('library/stray.mp4'), 'utf8')).toBe('nobody’s');
  });
});

test('storage verify tells a row that cannot be read and goes on; no file of its film is touched by repair', async () => {
  const [broken, missing] = [await upload('broken.mp4'), await upload('missing.mp4')];
  const rows = app.strapi.db.getConnection('protected_vod_assets');
  await rows.where({ document_id: broken.asset }).update({ duration_seconds: null });
  await rm(onDisk(missing.key));
  await mkdir(onDisk(`${broken.key}.vod`));
  await writeFile(onDisk(`${broken.key}.vod/poster.jpg`), 'made');
  const found = [`row-unreadable ${broken.key}`, `film-missing ${missing.key}`];
  expect(await findings()).toEqual(found);
  expect((await all<{ kind: string }>(care().repair(NOW))).map(({ kind }) => kind)).toEqual(['left', 'left']);
  expect(await findings()).toEqual(found);
  expect(await readdir(onDisk('trash'))).toEqual([]);
  const moved = await all<{ kind: string; assetId: string }>(care().migrate('flat'));
  expect(moved.filter(({ kind }) => kind === 'failed').map(({ assetId }) => assetId)).toContain(broken.asset);
  expect((await readFile(onDisk(broken.key))).equals(broken.bytes)).toBe(true);
});

describe('storage repair', () => {
  test('finds a film that was moved by hand, writes metadata anew, and clears what nobody claims', async () => {
    const lost = await upload('lost.mp4');
    const undescribed = await upload('undescribed.mp4');
    await mkdir(onDisk('library/by hand'));
    await rename(onDisk(lost.key), onDisk('library/by hand/film.mp4'));
    await rm(onDisk(`${undescribed.key}.vod.json`));
    await writeFile(onDisk('library/stray.txt'), 'nobody’s');

    const events = await all<{ kind: string; how: string }>(care().repair(NOW));
    expect(events.map(({ kind, how }) => `${kind} ${how}`)).toEqual([
      'mended found',
      'mended metadata-written',
      'mended put-aside',
    ]);
    expect((await readFile(onDisk(lost.key))).equals(lost.bytes)).toBe(true);
    expect(await findings()).toEqual([]);
    const aside = (await readdir(onDisk('trash'), { recursive: true })).filter((name) => name.endsWith('stray.txt'));
    expect(aside).toHaveLength(1);
  });

  test('a film without a row comes to the trash with its row, from where it can be restored', async () => {
    const other = await upload('other.mp4');
    const film = await upload('film.mp4');
    await app.strapi.db.query(ASSET_UID).deleteMany({ where: { documentId: film.asset } });
    expect((await findings()).toSorted()).toEqual([
      `file-unclaimed ${film.key}`,
      `file-unclaimed ${film.key}.vod.json`,
    ]);
    await all(care().repair(NOW));
    expect(await findings()).toEqual([]);
    expect(await care().listTrash()).toMatchObject([{ assetId: film.asset, fileName: 'film.mp4' }]);
    await care().restore(film.asset);
    expect(await rowOf(film.asset)).toMatchObject({ state: 'ready', storageKey: film.key });
    expect((await readFile(onDisk(film.key))).equals(film.bytes)).toBe(true);
    expect(await rowOf(other.asset)).toMatchObject({ state: 'ready' });
    expect(await findings()).toEqual([]);
  });

  test('leaves a damaged film as it is and says so', async () => {
    const film = await upload('film.mp4');
    await appendFile(onDisk(film.key), 'x');
    expect(await all(care().repair(NOW))).toMatchObject([{ kind: 'left', finding: { code: 'film-damaged' } }]);
    expect((await readFile(onDisk(film.key))).byteLength).toBe(film.bytes.byteLength + 1);
  });

  test('mends a deletion that was cut off between the file and the row', async () => {
    const film = await upload('film.mp4');
    await mkdir(onDisk(`trash/2026-02-03/${film.asset}`), { recursive: true });
    await rename(onDisk(film.key), onDisk(`trash/2026-02-03/${film.asset}/film.mp4`));
    await all(care().repair(NOW));
    expect((await readFile(onDisk(film.key))).equals(film.bytes)).toBe(true);
    expect(await findings()).toEqual([]);
  });

  test('refuses a database that knows no film: that is for rebuild', async () => {
    await upload('film.mp4');
    await app.strapi.db.query(ASSET_UID).deleteMany({});
    await expect(all(care().repair(NOW))).rejects.toMatchObject({ code: 'storage-unknown' });
    expect(await readdir(onDisk('trash'))).toEqual([]);
  });
});

describe('storage rebuild', () => {
  test('brings back every row under its old id, and Media Library files in their folders', async () => {
    const uni = (await app.strapi.plugin('upload').service('folder').create({ name: 'Uni', parent: null })) as {
      id: number;
    };
    const film = await upload('film.mp4', uni.id);
    const top = await upload('top.mp4');
    const trashed = await upload('trashed.mp4');
    await deleteFromMediaLibrary(app, admin, trashed.id);
    const before = { film: await rowOf(film.asset), top: await rowOf(top.asset), trashed: await rowOf(trashed.asset) };
    for (const uid of [ASSET_UID, FILE_UID, FOLDER_UID]) await app.strapi.db.query(uid).deleteMany({});

    expect((await all<{ kind: string }>(care().rebuild())).map(({ kind }) => kind)).toEqual([
      'added',
      'added',
      'added',
    ]);
    for (const row of Object.values(before)) {
      const {
        id: _id,
        createdAt: _createdAt,
        updatedAt: _updatedAt,
        publishedAt: _at,
        reason: _r,
        ...facts
      } = row as Row & Record<string, unknown>;
      expect(await rowOf(row.documentId)).toMatchObject(facts);
    }
    const files = await app.strapi.db
      .query(FILE_UID)
      .findMany({ populate: { folder: true }, orderBy: { name: 'asc' } });
    expect(files).toMatchObject([
      { name: 'film.mp4', folder: { name: 'Uni' }, provider_metadata: { protectedVod: { assetId: film.asset } } },
      { name: 'top.mp4', folder: null, provider_metadata: { protectedVod: { assetId: top.asset } } },
    ]);
    expect(await findings()).toEqual([]);
    expect((await all<{ kind: string }>(care().rebuild())).map(({ kind }) => kind)).toEqual([
      'known',
      'known',
      'known',
    ]);
  });

  test('judges a film anew whose metadata do not say what was found: nothing that was trimmed away gets out', async () => {
    const bytes = clipWithHiddenLeadIn();
    await uploadToMediaLibrary(app, admin, { name: 'trimmed.mp4', bytes });
    const described = onDisk('library/trimmed.mp4.vod.json');
    const { judgement, ...rest } = JSON.parse(await readFile(described, 'utf8'));
    expect(judgement).toMatchObject({ verdict: 'transcode-first', reason: 'has-hidden-part' });
    await writeFile(described, JSON.stringify(rest));
    await app.strapi.db.query(ASSET_UID).deleteMany({});
    await all(care().rebuild());
    expect(await rowOf(rest.assetId)).toMatchObject({
      verdict: 'transcode-first',
      verdictReason: 'has-hidden-part',
      verdictSentence: judgement.sentence,
    });
    // What is written anew from the row says it again.
    await rm(described);
    await all(care().repair(NOW));
    expect(JSON.parse(await readFile(described, 'utf8')).judgement).toEqual(judgement);
  });

  test('believes no metadata file whose film is another', async () => {
    const film = await upload('film.mp4');
    await app.strapi.db.query(ASSET_UID).deleteMany({});
    await writeFile(onDisk(film.key), Buffer.from(film.bytes).fill(0, 5000, 5001));
    await writeFile(onDisk('library/alone.mp4.vod.json'), '{}');
    const events = await all<{ kind: string; reason: string }>(care().rebuild());
    expect(events.map(({ kind, reason }) => `${kind} ${reason}`)).toEqual(['refused untrue', 'refused untrue']);
    expect(await app.strapi.db.query(ASSET_UID).count()).toBe(0);
  });
});

describe('storage migrate', () => {
  test('moves by the Media Library as it is now, keeps the old names for a lease, and reserves them', async () => {
    const week = (await app.strapi.plugin('upload').service('folder').create({ name: 'Week', parent: null })) as {
      id: number;
    };
    const films = [await upload('film.mp4'), await upload('film.mp4'), await upload('Film.mp4', week.id)];
    await app.strapi.db.query(FOLDER_UID).update({ where: { id: week.id }, data: { name: 'Woche' } });

    const run = care().migrate('site1')[Symbol.asyncIterator]();
    for (let moved = 0; moved < films.length; moved += 1) {
      expect((await run.next()).value).toMatchObject({ kind: 'moved', from: films[moved]?.key });
    }
    await expect(all(care().migrate('flat'))).rejects.toMatchObject({ code: 'storage-busy' });
    const keys = await Promise.all(films.map(async ({ asset }) => (await rowOf(asset)).storageKey));
    expect(keys).toEqual(['library/film/film.mp4', 'library/film (2)/film.mp4', 'library/Woche/Film/Film.mp4']);
    for (const { key, bytes } of films) expect((await readFile(onDisk(key))).equals(bytes)).toBe(true);
    expect((await upload('film.mp4')).key).toBe('library/film (3).mp4');

    const rest = await all({ [Symbol.asyncIterator]: () => run });
    expect(rest).toMatchObject([{ kind: 'waiting', films: 3 }]);
    for (const { key } of films) {
      // A folder that was left empty is gone as well.
      const names = await readdir(path.dirname(onDisk(key))).catch(() => []);
      expect(names).not.toContain(path.basename(key));
    }
    expect(await findings()).toEqual([]);
  });

  test('a film that is deleted while it has two names goes to the trash with both', async () => {
    const film = await upload('film.mp4');
    const run = care().migrate('flat')[Symbol.asyncIterator]();
    await run.next();
    await deleteFromMediaLibrary(app, admin, film.id);
    await all({ [Symbol.asyncIterator]: () => run });
    expect(await rowOf(film.asset)).toMatchObject({ state: 'trashed', movedFrom: null });
    expect(await readdir(onDisk('library'))).toEqual([]);
    expect(await findings()).toEqual([]);
    await care().restore(film.asset);
    expect((await readFile(onDisk(`library/${film.asset}.mp4`))).equals(film.bytes)).toBe(true);
  });
});

test('a film that is replaced while it has two names keeps the new one for who watches, and goes to the trash from there', async () => {
  const film = await upload('film.mp4');
  const { store } = app.strapi.plugin('protected-vod').service('playback-session');
  const client = { addressPrefix: '203.0.113.0/24', agent: '00000000000000aa' };
  const watching = { tokenId: 'token', sessionHash: 'hash', salt: 'salt', role: null, video: 'video', locale: null };
  await store.insertOnce({ ...watching, origin: { kind: 'public' }, asset: film.asset, client });
  const run = care().migrate('flat')[Symbol.asyncIterator]();
  await run.next();
  await uploadToMediaLibrary(app, admin, { name: 'other.mp4', bytes: film.bytes, replaces: film.id });
  await all({ [Symbol.asyncIterator]: () => run });
  const storageKey = `library/${film.asset}.mp4`;
  expect(await rowOf(film.asset)).toMatchObject({ state: 'replaced', storageKey, movedFrom: null });
  expect(await all(care().migrate('flat'))).not.toContainEqual(expect.objectContaining({ assetId: film.asset }));
  expect(await findings()).toEqual([]);
  await store.end('hash', 'ended-by-editor');
  await app.strapi.plugin('protected-vod').service('film-replacement').sweep();
  expect(await rowOf(film.asset)).toMatchObject({ state: 'trashed' });
  expect(await findings()).toEqual([]);
});

test('storage where finds the film of a video, a Media Library file and an asset', async () => {
  const film = await upload('film.mp4');
  const video = await publishVideo(app, admin, { source: film.id });
  const file = (await app.strapi.db.query(FILE_UID).findOne({ where: { id: film.id } })) as { documentId: string };
  for (const id of [video, file.documentId, film.asset]) {
    expect(await care().where(id)).toMatchObject([{ assetId: film.asset, path: onDisk(film.key), isThere: true }]);
  }
  for (const id of ['nobody', '../etc', `${'a'.repeat(70)}`]) expect(await care().where(id)).toEqual([]);
  await rm(onDisk(film.key));
  expect(await care().where(video)).toMatchObject([{ isThere: false }]);
});

test('storage stats counts what the rows and the disk say', async () => {
  const film = await upload('film.mp4');
  const gone = await upload('gone.mp4');
  await deleteFromMediaLibrary(app, admin, gone.id);
  const size = film.bytes.byteLength;
  expect(await care().stats()).toMatchObject({
    ready: { films: 1, bytes: size, smallestBytes: size, largestBytes: size },
    trashed: { films: 1, bytes: size },
    areas: { library: { files: 2 }, trash: { files: 2 } },
  });
});
