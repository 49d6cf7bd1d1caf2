import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { assetsSchema, INGEST_CREDENTIAL_HEADER, STREAMER_CREDENTIAL_HEADER } from '../../server/contracts';
import { clip } from '../support/clips';
import { callJobs, ingestCredentialOf, jobsOf, makeDue, workerSide } from '../support/ingest-worker';
import { callInternal, streamerKeysOf } from '../support/internal';
import { deleteFromMediaLibrary, uploadToMediaLibrary } from '../support/media-library';
import { runCommand } from '../support/run-command';
import { describeTwoNodes } from '../support/second-node';
import { type AdminAccount, createAdmin, createAdminWith } from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

const MAX_ATTEMPTS = 3;

let app: StrapiApp;
let editor: AdminAccount;
let count = 0;

const plugin = (service: string) => app.strapi.plugin('protected-vod').service(service);

async function upload(): Promise<{ fileId: number; asset: string }> {
  count += 1;
  const { file } = await uploadToMediaLibrary(app, editor, { name: `film ${count}.mp4`, bytes: clip() });
  return { fileId: file.id, asset: file.url.slice(file.url.lastIndexOf('/') + 1) };
}

const states = async (asset?: string) => (await jobsOf(app, asset)).map(({ kind, state }) => `${kind} ${state}`);

async function described(id: string, admin = editor) {
  const response = await fetch(`${app.url}/protected-vod/assets/${id}`, {
    headers: { authorization: `Bearer ${admin.token}` },
  });
  return { status: response.status, body: (await response.json()) as unknown };
}

beforeAll(async () => {
  app = await startStrapiApp({
    pluginConfig: {
      streamer: { mode: 'external' },
      ingest: { mode: 'external', maxAttempts: MAX_ATTEMPTS, retrySeconds: 600 },
    },
  });
  editor = await createAdmin(app);
});
afterAll(() => app.stop());
beforeEach(async () => {
  await app.strapi.db.query('plugin::protected-vod.ingest-job').deleteMany({});
  await app.strapi.db.query('plugin::protected-vod.asset').updateMany({ data: { state: 'trashed' } });
});

describe('ingest jobs', () => {
  it('a stored film gets one of each kind, however often it is asked for', async () => {
    const { asset } = await upload();
    expect(await states(asset)).toEqual(['poster queued', 'storyboard queued', 'texts queued']);
    const stored = await plugin('asset').findById(asset);
    await Promise.all(Array.from({ length: 8 }, () => plugin('ingest').enqueue(stored)));
    expect(await states(asset)).toEqual(['poster queued', 'storyboard queued', 'texts queued']);
  });

  it('of many workers that ask at once each job goes to one', async () => {
    for (let film = 0; film < 3; film += 1) await upload();
    const claims = await Promise.all(Array.from({ length: 12 }, () => workerSide(app).claim()));
    const ids = claims.flatMap((job) => (job ? [job.id] : []));
    expect(new Set(ids).size).toBe(ids.length);
    // Who lost all of its candidates asks again.
    for (let job = await workerSide(app).claim(); job !== null; job = await workerSide(app).claim()) ids.push(job.id);
    expect(ids).toHaveLength(9);
    expect(new Set(await states())).toEqual(new Set(['poster running', 'storyboard running', 'texts running']));
  });

  it('S24 the plugin assigns the keys, and posters come first', async () => {
    const { asset } = await upload();
    const job = await workerSide(app).claimOne();
    expect(job).toMatchObject({ asset, kind: 'poster', attempt: 1 });
    expect(job.outputs).toEqual([{ name: 'poster.jpg', storageKey: `ingest/${job.id}/1/poster.jpg` }]);
  });

  it('S24 a report of an attempt that another worker took over is refused with 409', async () => {
    await upload();
    const [first, second] = [workerSide(app), workerSide(app)];
    const job = await first.claimOne();
    expect(await first.report(job, { state: 'running', progress: 0.5 })).toEqual({ status: 200, state: 'running' });
    await makeDue(app, { documentId: job.id });
    const again = await second.claimOne();
    expect(again).toMatchObject({ id: job.id, attempt: 2 });
    for (const late of [
      { state: 'running', progress: 0.9 },
      { state: 'done', outputs: await first.make(job, 'late') },
      { state: 'failed', reason: 'tool-failed', final: true },
      { state: 'released' },
    ]) {
      expect((await first.report(job, late)).status, late.state).toBe(409);
    }
    expect(await second.finish(again)).toEqual({ status: 200, state: 'settled' });
    // Its answer was lost on the way: the same report is no late one.
    expect(await second.report(again, { state: 'done', outputs: await second.make(again) })).toMatchObject({
      state: 'settled',
    });
    expect((await first.report(job, { state: 'running', progress: 1 })).status).toBe(409);
  });

  it('a failure waits before it is tried again, and is given up after so many', async () => {
    const { asset } = await upload();
    const worker = workerSide(app);
    for (let failure = 1; failure <= MAX_ATTEMPTS; failure += 1) {
      const job = await worker.claimOne();
      expect(job.kind).toBe('poster');
      await worker.report(job, { state: 'failed', reason: 'tool-failed', final: false });
      expect((await worker.claim({ kinds: ['poster'] }))?.id).toBeUndefined();
      if (failure < MAX_ATTEMPTS) expect(await states(asset)).toContain('poster queued');
      await makeDue(app, { documentId: job.id });
    }
    const [poster] = await jobsOf(app, asset);
    expect(poster).toMatchObject({ state: 'failed', reason: 'tool-failed', failures: MAX_ATTEMPTS });
    expect(await worker.claim({ kinds: ['poster'] })).toBeNull();
  });

  it('a full disk is waited for, however long, and counts no attempt that is left for later', async () => {
    const { asset } = await upload();
    const worker = workerSide(app);
    const failOnce = async (reason: string) => {
      await makeDue(app, { kind: 'poster' });
      const job = await worker.claimOne();
      await worker.report(job, { state: 'failed', reason, final: false });
      // It waits: it is not due at once.
      expect(await worker.claim({ kinds: ['poster'] })).toBeNull();
      return (await jobsOf(app, asset))[0];
    };
    for (let failure = 0; failure <= MAX_ATTEMPTS; failure += 1) {
      for (const reason of ['disk-full', 'ffmpeg-missing']) {
        expect(await failOnce(reason)).toMatchObject({ state: 'queued', reason });
      }
    }
    expect(await failOnce('tool-failed')).toMatchObject({ state: 'failed', reason: 'tool-failed' });
  });

  it('what was given up is tried again when somebody asks for it, of one film or of all', async () => {
    const [one, other] = [await upload(), await upload()];
    const worker = workerSide(app);
    const giveUp = async () => {
      for (let job = await worker.claim(); job !== null; job = await worker.claim()) {
        await worker.report(job, { state: 'failed', reason: 'tool-failed', final: true });
      }
    };
    await giveUp();
    const retry = async (...args: string[]) => runCommand(app, ['ingest', 'retry', ...args]);
    expect(await retry(one.asset)).toMatchObject({ code: 0, out: '3 jobs are tried again\n' });
    expect(await jobsOf(app, one.asset)).toMatchObject([0, 1, 2].map(() => ({ state: 'queued', failures: 0 })));
    expect(await states(other.asset)).toEqual(['poster failed', 'storyboard failed', 'texts failed']);
    await giveUp();
    expect((await retry()).out).toBe('6 jobs are tried again\n');
    expect((await retry()).out).toBe('0 jobs are tried again\n');
    expect((await retry('../x')).code).toBe(2);
    await plugin('audit').flush();
    const told = await app.strapi.db
      .query('plugin::protected-vod.audit-event')
      .findMany({ where: { kind: 'ingest' }, orderBy: 'id' });
    // Whoever is on the machine is no administrator by that.
    const row = { reason: 'retried-by-operator', originKind: null, actor: null };
    expect(told).toMatchObject([
      { ...row, asset: one.asset },
      { ...row, asset: null },
    ]);
  });

  it('a row that cannot be read keeps nobody from the others', async () => {
    const [broken, { asset }] = [await upload(), await upload()];
    await app.strapi.db
      .getConnection('protected_vod_ingest_jobs')
      .where({ asset: broken.asset })
      .update({ asset: 'no id of anything' });
    const job = await workerSide(app).claimOne();
    expect(job.asset).toBe(asset);
    expect(await states(asset)).toEqual(['poster running', 'storyboard queued', 'texts queued']);
  });

  it('what another attempt would meet again is not tried again', async () => {
    const { asset } = await upload();
    const worker = workerSide(app);
    await worker.report(await worker.claimOne(), { state: 'failed', reason: 'source-refused', final: true });
    expect(await jobsOf(app, asset)).toMatchObject([
      { state: 'failed', failures: 1 },
      { state: 'queued' },
      { state: 'queued' },
    ]);
  });

  it('a job that kills every worker is given up', async () => {
    const { asset } = await upload();
    for (let death = 1; death <= MAX_ATTEMPTS; death += 1) {
      expect((await workerSide(app).claim({ kinds: ['poster'] }))?.attempt).toBe(death);
      await makeDue(app, { kind: 'poster' });
    }
    expect(await workerSide(app).claim({ kinds: ['poster'] })).toBeNull();
    expect((await jobsOf(app, asset))[0]).toMatchObject({ state: 'failed', reason: 'worker-lost' });
  });

  it('a job that is given back goes to the next worker at once, and counts no failure', async () => {
    await upload();
    const [leaving, next] = [workerSide(app), workerSide(app)];
    const job = await leaving.claimOne();
    await leaving.report(job, { state: 'released' });
    expect(await next.claimOne()).toMatchObject({ id: job.id, attempt: 2 });
    expect((await jobsOf(app, job.asset))[0]).toMatchObject({ failures: 0 });
  });

  it('S24 what is not what was reported is refused', async () => {
    const { asset } = await upload();
    const worker = workerSide(app);
    const wrong = [
      async (made: object[]) => made.map((file) => ({ ...file, sha256: '0'.repeat(64) })),
      async (made: object[]) => made.map((file) => ({ ...file, sizeBytes: 1 })),
      async (made: object[]) => [...made, { name: 'other.jpg', sizeBytes: 1, sha256: '0'.repeat(64) }],
    ];
    for (const lie of wrong) {
      const job = await worker.claimOne();
      const outputs = await lie(await worker.make(job));
      expect((await worker.report(job, { state: 'done', outputs })).status).toBe(409);
      await makeDue(app);
    }
    expect((await jobsOf(app, asset))[0]).toMatchObject({ state: 'failed', reason: 'output-invalid' });
    expect((await plugin('asset').findById(asset)).derived ?? []).toEqual([]);
  });

  it('a deleted film stops who is at work on it, and what comes of that is not taken; restored, it goes on', async () => {
    const { fileId, asset } = await upload();
    const worker = workerSide(app);
    const job = await worker.claimOne();
    await deleteFromMediaLibrary(app, editor, fileId);
    expect(await worker.report(job, { state: 'running', progress: 0.5 })).toEqual({ status: 200, state: 'cancelled' });
    expect(await worker.finish(job)).toEqual({ status: 200, state: 'cancelled' });
    expect(await worker.claim()).toBeNull();
    expect(await states(asset)).toEqual(['poster cancelled', 'storyboard cancelled', 'texts cancelled']);
    await plugin('asset').restore(asset);
    expect(await states(asset)).toEqual(['poster queued', 'storyboard queued', 'texts queued']);
    expect((await worker.report(job, { state: 'running', progress: 0.6 })).status).toBe(409);
    expect(await worker.finish(await worker.claimOne())).toMatchObject({ state: 'settled' });
  });

  it('a replaced film likewise', async () => {
    const { fileId, asset } = await upload();
    const worker = workerSide(app);
    const job = await worker.claimOne();
    await uploadToMediaLibrary(app, editor, { name: 'other.mp4', bytes: clip(), replaces: fileId });
    expect(await worker.report(job, { state: 'running', progress: 0.5 })).toMatchObject({ state: 'cancelled' });
    expect((await worker.claimOne()).asset).not.toBe(asset);
  });

  it('a worker without ffmpeg leaves the jobs to others, and administrators read why nothing is made', async () => {
    const { asset } = await upload();
    expect(await workerSide(app).claim({ kinds: [], lacking: 'ffmpeg-missing' })).toBeNull();
    const { body } = await described(asset);
    const [entry] = assetsSchema.parse(body).data;
    expect(entry).toMatchObject({ id: asset, state: 'ready', made: [] });
    expect(entry?.jobs).toMatchObject([
      { kind: 'poster', state: 'queued', reason: 'ffmpeg-missing', sentence: expect.stringContaining('ffmpeg') },
      { kind: 'storyboard', state: 'queued', reason: 'ffmpeg-missing' },
      { kind: 'texts', state: 'queued', reason: 'ffmpeg-missing' },
    ]);
    const job = await workerSide(app).claimOne();
    expect((await jobsOf(app, asset))[0]).toMatchObject({ documentId: job.id, state: 'running', reason: null });
    const reader = await createAdminWith(app, [{ action: 'plugin::upload.read' }]);
    expect((await described(asset, reader)).status).toBe(200);
    const other = await createAdminWith(app, [{ action: 'plugin::protected-vod.sessions.read' }]);
    expect((await described(asset, other)).status).toBe(403);
    expect((await described('aaaaaaaaaaaaaaaaaaaaaaaa')).status).toBe(404);
  });

  it('is not said to be missing while a worker that has it is at work on another film', async () => {
    await upload();
    const busy = await workerSide(app).claimOne();
    const { asset } = await upload();
    const lacking = { kinds: [] as string[], lacking: 'ffmpeg-missing' as const };
    await workerSide(app).claim(lacking);
    expect((await jobsOf(app, asset)).map(({ reason }) => reason)).toEqual([null, null, null]);
    // It has died.
    await makeDue(app, { documentId: busy.id });
    await workerSide(app).claim(lacking);
    expect((await jobsOf(app, asset)).map(({ reason }) => reason)).toEqual([
      'ffmpeg-missing',
      'ffmpeg-missing',
      'ffmpeg-missing',
    ]);
  });

  it('films of which nothing can be made are read once, not each hour, until they change', async () => {
    const { asset } = await upload();
    await app.strapi.db.query('plugin::protected-vod.ingest-job').deleteMany({});
    const setTracks = (kind: string) =>
      app.strapi.db
        .query('plugin::protected-vod.asset')
        .update({ where: { documentId: asset }, data: { tracks: [{ kind, codec: 'x', decoderConfig: 'x' }] } });
    await setTracks('audio');
    const readsOfBackfill = async () => {
      let reads = 0;
      const count = ({ bindings }: { bindings?: unknown[] }) => {
        if (bindings?.includes(asset)) reads += 1;
      };
      app.strapi.db.connection.on('query', count);
      await plugin('ingest').backfill();
      app.strapi.db.connection.off('query', count);
      return reads;
    };
    expect(await readsOfBackfill()).toBeGreaterThan(0);
    // What else the site does with the film meanwhile can only add to it.
    expect(Math.min(await readsOfBackfill(), await readsOfBackfill(), await readsOfBackfill())).toBe(0);
    await setTracks('video');
    await plugin('ingest').backfill();
    expect(await states(asset)).toEqual(expect.arrayContaining(['poster queued', 'storyboard queued']));
  });

  it('films that have no jobs get them', async () => {
    const { asset } = await upload();
    await app.strapi.db.query('plugin::protected-vod.ingest-job').deleteMany({});
    await plugin('ingest').backfill();
    expect(await states()).toEqual(['poster queued', 'storyboard queued', 'texts queued']);
    expect((await jobsOf(app)).every((job) => job.asset === asset)).toBe(true);
  });
});

describe('the endpoints of ingest workers', () => {
  const ask = async (headers: Record<string, string>, name = 'claim') =>
    (await callJobs(app, name, { worker: crypto.randomUUID(), kinds: [], lacking: null }, headers)).status;

  it('S1 open with the worker’s credential alone, which opens nothing else', async () => {
    const [own, streamers] = [ingestCredentialOf(app), streamerKeysOf(app).credential];
    expect(await ask({ [INGEST_CREDENTIAL_HEADER]: own })).toBe(200);
    for (const headers of [
      {},
      { [INGEST_CREDENTIAL_HEADER]: '' },
      { [INGEST_CREDENTIAL_HEADER]: streamers },
      { [STREAMER_CREDENTIAL_HEADER]: streamers },
      { [STREAMER_CREDENTIAL_HEADER]: own },
    ]) {
      expect(await ask(headers)).toBe(403);
      expect(await ask(headers, 'aaaa/report')).toBe(403);
    }
    for (const name of ['introspect', 'sync'] as const)
      expect((await callInternal(app, name, {}, own)).status).toBe(403);
  });

  it('refuse what is no job, no report and no endpoint', async () => {
    const headers = { [INGEST_CREDENTIAL_HEADER]: ingestCredentialOf(app) };
    expect((await callJobs(app, 'claim', {}, headers)).status).toBe(400);
    expect((await callJobs(app, 'aaaa/report', {}, headers)).status).toBe(400);
    expect((await callJobs(app, '../sync', {}, headers)).status).toBe(403);
    expect(await ask(headers, 'A%2f/report')).toBe(404);
    const report = { worker: crypto.randomUUID(), attempt: 1, state: 'released' };
    expect((await callJobs(app, 'aaaa/report', report, headers)).status).toBe(409);
  });
});

describeTwoNodes('ingest jobs of two nodes', (node) => {
  it('each goes to one worker, and a report counts wherever it arrives', async () => {
    for (let film = 0; film < 3; film += 1) await upload();
    const urls = [app.url, node.url];
    const sides = Array.from({ length: 12 }, (_, at) => workerSide(app, { url: urls[at % 2] }));
    const claims = (await Promise.all(sides.map(async (side) => ({ side, job: await side.claim() })))).flatMap(
      ({ side, job }) => (job ? { side, job } : []),
    );
    expect(claims.length).toBeGreaterThan(0);
    expect(new Set(claims.map(({ job }) => job.id)).size).toBe(claims.length);
    for (const { side, job } of claims) {
      const elsewhere = urls.map((url) => workerSide(app, { url, id: side.id }));
      expect(await elsewhere[0]?.report(job, { state: 'running', progress: 0 })).toMatchObject({ state: 'running' });
      expect(await elsewhere[1]?.finish(job)).toMatchObject({ state: 'settled' });
    }
  });
});
