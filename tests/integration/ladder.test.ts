import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { assetsSchema } from '../../server/contracts';
import { clip } from '../support/clips';
import { publishVideo, uploadFilm } from '../support/films';
import { jobsOf, makeDue, type WorkerSide, workerSide } from '../support/ingest-worker';
import { deleteFromMediaLibrary } from '../support/media-library';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';

const ASSET = 'plugin::protected-vod.asset';
const RUNGS = ['rung-full', 'rung-360', 'rung-480', 'rung-720'];

let site: PublishedSite;
let worker: WorkerSide;

const plugin = (service: string) => site.app.strapi.plugin('protected-vod').service(service);
const claimRung = (side = worker) => side.claim({ kinds: RUNGS });

async function upload() {
  const { id, url } = await uploadFilm(site.app, site.editor);
  return { id, asset: url.slice(url.lastIndexOf('/') + 1) };
}

/** As if it had been judged so. */
async function judge(asset: string, verdict: string, verdictReason: string) {
  await site.app.strapi.db.query(ASSET).update({ where: { documentId: asset }, data: { verdict, verdictReason } });
  await plugin('ingest').enqueue(await plugin('asset').findById(asset));
}

const granted = async (asset: string) => plugin('asset').grantedAssets()(asset);
const idsOf = async (asset: string) => {
  const { renditions = [] } = await granted(asset);
  return renditions.map(({ id, height }: { id: string; height?: number }) => `${id} ${height}`);
};

beforeAll(async () => {
  site = await startPublishedSite({ pluginConfig: { ingest: { mode: 'external', ladder: [720, 480, 360] } } });
  worker = workerSide(site.app);
});
afterAll(() => site?.app.stop());
beforeEach(async () => {
  await site.app.strapi.db.query('plugin::protected-vod.ingest-job').deleteMany({});
});

describe('the jobs of a ladder', () => {
  it('come the lowest first and one at a time, for each film by itself', async () => {
    const [one, other] = [await upload(), await upload()];
    const first = await claimRung();
    expect(first).toMatchObject({ kind: 'rung-360', asset: one.asset, rung: { height: 360, followsSource: true } });
    const second = await claimRung(workerSide(site.app));
    expect(second).toMatchObject({ kind: 'rung-360', asset: other.asset });
    expect(await claimRung()).toBeNull();
    if (first === null) throw new Error('there is no job');
    expect(await worker.finish(first)).toMatchObject({ state: 'settled' });
    const third = await claimRung();
    expect(third).toMatchObject({ kind: 'rung-480', asset: one.asset });
    expect(await claimRung()).toBeNull();
    // Nothing is heard of its worker any more.
    await makeDue(site.app, { documentId: third?.id ?? '' });
    expect(await claimRung()).toMatchObject({ kind: 'rung-480', asset: one.asset, attempt: 2 });
    // Posters do not wait.
    expect(await worker.claim({ kinds: ['poster'] })).toMatchObject({ kind: 'poster' });
  });

  it('go to one of many workers that ask at once', async () => {
    for (let film = 0; film < 2; film += 1) await upload();
    for (let round = 0; round < 3; round += 1) {
      const sides = Array.from({ length: 8 }, () => workerSide(site.app));
      const claims = (await Promise.all(sides.map(claimRung))).filter((job) => job !== null);
      const films = claims.map(({ asset }) => asset);
      expect(new Set(films).size).toBe(films.length);
      const running = (await jobsOf(site.app)).filter(({ state }) => state === 'running');
      expect(running.length).toBeLessThanOrEqual(2);
      for (const { asset, kind } of running) {
        await site.app.strapi.db
          .query('plugin::protected-vod.ingest-job')
          .updateMany({ where: { asset, kind }, data: { state: 'done' } });
      }
    }
  });

  it('tell administrators how far they are', async () => {
    const { asset } = await upload();
    const job = await claimRung();
    if (job === null) throw new Error('there is no job');
    await worker.report(job, { state: 'running', progress: 0.25 });
    const response = await fetch(`${site.app.url}/protected-vod/assets/${asset}`, {
      headers: { authorization: `Bearer ${site.editor.token}` },
    });
    const [entry] = assetsSchema.parse(await response.json()).data;
    expect(entry?.jobs.find(({ kind }) => kind === 'rung-360')).toMatchObject({ state: 'running', progress: 0.25 });
  });
});

describe('a rung', () => {
  it('is granted when it is complete and not before, the source first, then the best', async () => {
    const { asset } = await upload();
    expect(await idsOf(asset)).toEqual(['source 1080']);
    for (const expected of [
      ['source 1080', '360p 360'],
      ['source 1080', '480p 480', '360p 360'],
      ['source 1080', '720p 720', '480p 480', '360p 360'],
    ]) {
      const job = await claimRung();
      if (job === null) throw new Error('there is no job');
      await worker.report(job, { state: 'running', progress: 0.9 });
      expect(await idsOf(asset)).not.toEqual(expected);
      await worker.finish(job);
      expect(await idsOf(asset)).toEqual(expected);
    }
  });

  it('is verified, made once more where it is damaged, and goes to the trash and back with its film', async () => {
    const { id, asset } = await upload();
    for (let job = await claimRung(); job !== null; job = await claimRung()) await worker.finish(job);
    const { storageKey } = await plugin('asset').findById(asset);
    const directory = path.join(site.app.storageRoot, `${storageKey}.vod`);
    expect((await readdir(directory)).toSorted()).toEqual(['360p.mp4', '480p.mp4', '720p.mp4']);
    await rm(path.join(directory, '480p.mp4'));
    for await (const _ of plugin('storage-care').repair({ isQuick: false, minAgeSeconds: 0 }));
    expect(await idsOf(asset)).toEqual(['source 1080', '720p 720', '360p 360']);
    const again = await claimRung();
    expect(again).toMatchObject({ kind: 'rung-480', asset });
    if (again) await worker.finish(again);
    await deleteFromMediaLibrary(site.app, site.editor, id);
    expect(await granted(asset)).toBeNull();
    await plugin('asset').restore(asset);
    expect(await idsOf(asset)).toEqual(['source 1080', '720p 720', '480p 480', '360p 360']);
    expect(await claimRung()).toBeNull();
  });
});

describe('a film that has to be converted first', () => {
  it('can be watched as soon as the first rendition is there, and never itself', async () => {
    const { id, asset } = await upload();
    await site.app.strapi.db.query('plugin::protected-vod.ingest-job').deleteMany({});
    await judge(asset, 'transcode-first', 'has-hidden-part');
    await publishVideo(site.app, site.editor, { source: id });
    expect(await granted(asset)).toEqual({ id: asset, unprepared: 'has-hidden-part' });
    const job = await claimRung();
    expect(job).toMatchObject({ kind: 'rung-full', rung: { height: 1080, followsSource: false } });
    if (job) await worker.finish(job, clip());
    expect(await idsOf(asset)).toEqual(['full 1080']);
    const next = await claimRung();
    expect(next).toMatchObject({ kind: 'rung-360', rung: { height: 360, followsSource: false } });
    if (next) await worker.finish(next, clip());
    expect(await idsOf(asset)).toEqual(['full 1080', '360p 360']);
    // What is refused by now is not watched in any form.
    await judge(asset, 'refused', 'film-damaged');
    expect(await granted(asset)).toBeNull();
  });

  it('has its picture and its length from the first rendition, and what waited for them is made then', async () => {
    const { asset } = await upload();
    await site.app.strapi.db.query('plugin::protected-vod.ingest-job').deleteMany({});
    const unread = {
      tracks: [],
      durationSeconds: 0,
      verdict: 'transcode-first',
      verdictReason: 'container-needs-transcode',
    };
    await site.app.strapi.db.query(ASSET).update({ where: { documentId: asset }, data: unread });
    const kinds = async () => (await jobsOf(site.app, asset)).map(({ kind }) => kind);
    await plugin('ingest').backfill();
    expect(await kinds()).toEqual(['rung-full']);
    const job = await claimRung();
    if (job) await worker.finish(job, clip());
    // As if its process had died before it went on.
    await site.app.strapi.db
      .query('plugin::protected-vod.ingest-job')
      .deleteMany({ where: { kind: { $ne: 'rung-full' } } });
    await plugin('ingest').backfill();
    expect(await kinds()).toEqual(['poster', 'storyboard', 'texts', 'rung-full', 'rung-360', 'rung-480', 'rung-720']);
  });

  it('is held against the limits, and so is each rendition, whatever a track of it says that could be read', async () => {
    const { asset } = await upload();
    expect((await claimRung())?.source.limits).toBeUndefined();
    await site.app.strapi.db.query('plugin::protected-vod.ingest-job').deleteMany({});
    await judge(asset, 'transcode-first', 'picture-needs-transcode');
    const job = await claimRung();
    expect(job).toMatchObject({ kind: 'rung-full', source: { limits: { maxSidePixels: expect.any(Number) } } });
    if (job) expect((await worker.finish(job, 'no film')).status).toBe(409);
    expect(await granted(asset)).toEqual({ id: asset, unprepared: 'picture-needs-transcode' });
    await makeDue(site.app, { kind: 'rung-full' });
    const again = await claimRung();
    if (again) expect(await worker.finish(again, clip())).toMatchObject({ state: 'settled' });
    expect(await idsOf(asset)).toEqual(['full 1080']);
  });
});
