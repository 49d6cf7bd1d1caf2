import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clip } from '../support/clips';
import { jobsOf, workerSide } from '../support/ingest-worker';
import { deleteFromMediaLibrary, uploadToMediaLibrary } from '../support/media-library';
import { type AdminAccount, createAdmin } from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

const ASSET_UID = 'plugin::protected-vod.asset';
const NOW = { isQuick: false, minAgeSeconds: 0 };
const NAMES = ['poster.jpg', 'storyboard.jpg', 'storyboard.vtt'];

let app: StrapiApp;
let editor: AdminAccount;
let count = 0;

const plugin = (service: string) => app.strapi.plugin('protected-vod').service(service);
const care = () => plugin('storage-care');
const rowOf = (id: string) => plugin('asset').findById(id);
const onDisk = (key: string) => path.join(app.storageRoot, key);

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const event of events) list.push(event);
  return list;
}

const findings = async () =>
  (await all<{ code: string; key: string }>(care().verify(NOW))).map(({ code, key }) => `${code} ${key}`);

async function upload(): Promise<{ fileId: number; asset: string; key: string }> {
  count += 1;
  const { file } = await uploadToMediaLibrary(app, editor, { name: `film ${count}.mp4`, bytes: clip() });
  const asset = file.url.slice(file.url.lastIndexOf('/') + 1);
  return { fileId: file.id, asset, key: (await rowOf(asset)).storageKey };
}

const work = (text?: string) => workerSide(app).finishAll(text);

const made = async (filmKey: string) => (await readdir(onDisk(`${filmKey}.vod`)).catch(() => [])).toSorted();

beforeAll(async () => {
  app = await startStrapiApp({
    pluginConfig: {
      streamer: { mode: 'external' },
      ingest: { mode: 'external' },
      session: { leaseSeconds: 4, outageGraceSeconds: 0 },
    },
  });
  editor = await createAdmin(app);
});
afterAll(() => app.stop());
beforeEach(async () => {
  for (const uid of [ASSET_UID, 'plugin::protected-vod.ingest-job', 'plugin::upload.file']) {
    await app.strapi.db.query(uid).deleteMany({});
  }
  for (const area of ['library', 'trash', 'ingest']) {
    for (const name of await readdir(onDisk(area))) await rm(onDisk(`${area}/${name}`), { recursive: true });
  }
});

describe('what was made of a film', () => {
  it('lies beside it, is told by row and metadata, and nothing of the work is left', async () => {
    const { asset, key } = await upload();
    await work();
    expect(await made(key)).toEqual(NAMES);
    expect(await readFile(onDisk(`${key}.vod/poster.jpg`), 'utf8')).toBe('made poster.jpg');
    expect((await rowOf(asset)).derived.map(({ name }: { name: string }) => name).toSorted()).toEqual(NAMES);
    const metadata = JSON.parse(await readFile(onDisk(`${key}.vod.json`), 'utf8'));
    expect(metadata.derived).toHaveLength(3);
    expect(await readdir(onDisk('ingest'))).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  it('goes to the trash with it and comes back with it', async () => {
    const { fileId, asset, key } = await upload();
    await work();
    await deleteFromMediaLibrary(app, editor, fileId);
    expect(await made(key)).toEqual([]);
    expect(await findings()).toEqual([]);
    await care().restore(asset);
    expect(await made(key)).toEqual(NAMES);
    expect(await findings()).toEqual([]);
    // It is all there: nothing is made again.
    expect((await jobsOf(app, asset)).map(({ state }) => state)).toEqual(['done', 'done', 'done']);
  });

  it('moves with it, also what is delivered while it moves', async () => {
    const [film, other] = [await upload(), await upload()];
    const worker = workerSide(app);
    const jobs = [await worker.claimOne(), await worker.claimOne(), await worker.claimOne()];
    await worker.finish(jobs[0] ?? (await worker.claimOne()));
    const during = worker.finish(jobs[1] ?? (await worker.claimOne()));
    for await (const event of care().migrate('flat')) {
      // Between the move of the films and the end of their old names.
      if (event.kind === 'waiting') for (const job of jobs.slice(2)) await worker.finish(job);
    }
    await during;
    const keys = [(await rowOf(film.asset)).storageKey, (await rowOf(other.asset)).storageKey];
    expect(keys).toEqual([`library/${film.asset}.mp4`, `library/${other.asset}.mp4`]);
    const names = await Promise.all(keys.map(made));
    expect(names.flat()).toHaveLength(jobs.flatMap(({ outputs }) => outputs).length);
    expect(await made(film.key)).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  it('is where its film is, whatever happens to that in the moment of delivery', async () => {
    const worker = workerSide(app);
    for (let round = 0; round < 6; round += 1) {
      const { fileId, asset } = await upload();
      const job = await worker.claimOne();
      const outputs = await worker.make(job);
      const [{ state }] = await Promise.all([
        worker.report(job, { state: 'done', outputs }),
        deleteFromMediaLibrary(app, editor, fileId),
      ]);
      expect(['settled', 'cancelled']).toContain(state);
      const kept = (await rowOf(asset)).derived ?? [];
      expect(kept).toHaveLength(state === 'settled' ? outputs.length : 0);
      expect(await findings()).toEqual([]);
      await care().restore(asset);
      expect(await findings()).toEqual([]);
      await worker.finishAll();
    }
  });

  it('is found by verify where it is missing or damaged, and made once more by repair', async () => {
    const { asset, key } = await upload();
    await work();
    await rm(onDisk(`${key}.vod/poster.jpg`));
    await writeFile(onDisk(`${key}.vod/storyboard.vtt`), 'MADE storyboard.vtt');
    await writeFile(onDisk(`${key}.vod/nobody's.jpg`), 'x');
    expect((await findings()).toSorted()).toEqual([
      `derived-damaged ${key}.vod/storyboard.vtt`,
      `derived-missing ${key}.vod/poster.jpg`,
      `file-unclaimed ${key}.vod/nobody's.jpg`,
    ]);
    await all(care().repair(NOW));
    expect((await jobsOf(app, asset)).map(({ state }) => state)).toEqual(['queued', 'queued', 'done']);
    await work('made anew:');
    expect(await readFile(onDisk(`${key}.vod/storyboard.vtt`), 'utf8')).toBe('made anew: storyboard.vtt');
    expect(await findings()).toEqual([]);
  });

  it('comes back with a film that was moved by hand, also where repair is cut off while it brings both', async () => {
    const { key } = await upload();
    await work();
    await mkdir(onDisk('library/by hand'));
    for (const tail of ['', '.vod']) await rename(onDisk(key + tail), onDisk(`library/by hand/film.mp4${tail}`));
    // Nothing can be put into this one.
    await writeFile(onDisk(`${key}.vod`), '');
    await expect(all(care().repair(NOW))).rejects.toThrow();
    await rm(onDisk(`${key}.vod`));
    await all(care().repair(NOW));
    expect(await made(key)).toEqual(NAMES);
    expect(await findings()).toEqual([]);
    expect(await readdir(onDisk('trash'))).toEqual([]);
  });

  it('stays where its film is damaged and comes back without it, and the better one of two copies is kept', async () => {
    const { key } = await upload();
    await work();
    const bytes = await readFile(onDisk(key));
    await mkdir(onDisk('library/by hand.mp4.vod'), { recursive: true });
    await writeFile(onDisk('library/by hand.mp4'), bytes);
    await writeFile(onDisk('library/by hand.mp4.vod/poster.jpg'), 'made poster.jpg');
    await writeFile(onDisk(`${key}.vod/poster.jpg`), 'another');
    await writeFile(onDisk(key), 'damaged');
    await all(care().repair(NOW));
    expect(await made(key)).toEqual(NAMES);
    expect(await readFile(onDisk(`${key}.vod/poster.jpg`), 'utf8')).toBe('made poster.jpg');
    expect((await readFile(onDisk(key))).equals(bytes)).toBe(true);
    expect(await findings()).toEqual([]);
  });

  it('comes back with a lost row, as far as it is there', async () => {
    const { asset, key } = await upload();
    await work();
    await rm(onDisk(`${key}.vod/storyboard.jpg`));
    await app.strapi.db.query(ASSET_UID).deleteMany({});
    await all(care().rebuild());
    const names = (await rowOf(asset)).derived.map(({ name }: { name: string }) => name);
    expect(names.toSorted()).toEqual(['poster.jpg', 'storyboard.vtt']);
  });

  it('goes with a film that nobody claims', async () => {
    const [{ asset, key }] = [await upload(), await upload()];
    await work();
    await app.strapi.db.query(ASSET_UID).deleteMany({ where: { documentId: asset } });
    await all(care().repair(NOW));
    expect(await findings()).toEqual([]);
    await care().restore(asset);
    expect(await made(key)).toEqual(NAMES);
  });

  it('cannot be pushed aside by what an editor names a film or a folder', async () => {
    const { file } = await uploadToMediaLibrary(app, editor, { name: 'film.mp4.vod', bytes: clip() });
    const key = (await rowOf(file.url.slice(file.url.lastIndexOf('/') + 1))).storageKey;
    expect(key).toBe('library/film.mp4.vod_');
  });
});

describe('the area of unfinished work', () => {
  it('is swept of what belongs to no job that runs', async () => {
    await upload();
    const job = await workerSide(app).claimOne();
    const old = new Date(Date.now() - 2 * 3600 * 1000);
    for (const name of [job.id, 'abandoned']) {
      await mkdir(onDisk(`ingest/${name}/1`), { recursive: true });
      await utimes(onDisk(`ingest/${name}`), old, old);
    }
    await mkdir(onDisk('ingest/young'));
    await plugin('ingest').sweep();
    expect((await readdir(onDisk('ingest'))).toSorted()).toEqual([job.id, 'young'].toSorted());
  });
});
