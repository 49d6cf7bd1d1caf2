import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addedTextTrackSchema, type TextTrackEntry, textTracksSchema } from '../../server/contracts';
import { askAsAdmin } from '../support/admin-rest';
import { clip } from '../support/clips';
import { publishVideo } from '../support/films';
import { jobsOf, workerSide } from '../support/ingest-worker';
import { hashOf, streamerSide } from '../support/internal';
import { deleteFromMediaLibrary, uploadToMediaLibrary } from '../support/media-library';
import { mint } from '../support/minting';
import { createPlaybackAccounts, type PlaybackAccounts } from '../support/playback-site';
import { type AdminAccount, createAdminWith } from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

const ASSET_UID = 'plugin::protected-vod.asset';
const NOW = { isQuick: false, minAgeSeconds: 0 };
const SRT = Buffer.from('\ufeff1\r\n00:00:01,000 --> 00:00:02,000\r\n<b>Hallo</b> & <script>x</script>\r\n');
const PUBLISHED = 'WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<b>Hallo</b> &amp; x\n';
const GERMAN = { kind: 'subtitles', language: 'de', label: 'Deutsch' };

let app: StrapiApp;
let accounts: PlaybackAccounts;
let count = 0;
/** The film of all tests after which nothing of it has changed. */
let film: StoredFilm;

const plugin = (service: string) => app.strapi.plugin('protected-vod').service(service);
const rowOf = (id: string) => plugin('asset').findById(id);
const onDisk = (key: string) => path.join(app.storageRoot, key);

interface StoredFilm {
  fileId: number;
  asset: string;
  key: string;
}

async function upload(): Promise<StoredFilm> {
  count += 1;
  const { file } = await uploadToMediaLibrary(app, accounts.editor, { name: `film ${count}.mp4`, bytes: clip() });
  const asset = file.url.slice(file.url.lastIndexOf('/') + 1);
  return { fileId: file.id, asset, key: (await rowOf(asset)).storageKey };
}

interface Sending {
  facts?: Record<string, string>;
  bytes?: Buffer | ReadableStream;
  type?: string;
  admin?: AdminAccount;
}

async function send(asset: string, { facts, bytes = SRT, type, admin = accounts.editor }: Sending = {}) {
  const query = new URLSearchParams({ ...GERMAN, ...facts });
  const response = await fetch(`${app.url}/protected-vod/assets/${asset}/text-tracks?${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin.token}`, 'content-type': type ?? 'application/octet-stream' },
    body: bytes as BodyInit,
    ...(bytes instanceof ReadableStream && { duplex: 'half' }),
  } as RequestInit);
  const text = await response.text();
  return { status: response.status, text };
}

async function add(asset: string, sending?: Sending): Promise<TextTrackEntry> {
  const { status, text } = await send(asset, sending);
  if (status !== 201) throw new Error(`${status}: ${text}`);
  return addedTextTrackSchema.parse(JSON.parse(text)).data;
}

async function refusal(asset: string, sending: Sending) {
  const { status, text } = await send(asset, sending);
  const { code, line } = JSON.parse(text).error.details ?? {};
  return [status, code, line];
}

async function list(asset: string, admin = accounts.editor) {
  const { status, body } = await askAsAdmin(app, admin, `/assets/${asset}/text-tracks`);
  return status === 200 ? textTracksSchema.parse(body).data : status;
}

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const event of events) found.push(event);
  return found;
}

const findings = async () =>
  (await all<{ code: string; key: string }>(plugin('storage-care').verify(NOW))).map(
    ({ code, key }) => `${code} ${key}`,
  );
const beside = async (key: string) => (await readdir(onDisk(`${key}.vod`)).catch(() => [])).toSorted();

beforeAll(async () => {
  app = await startStrapiApp({
    pluginConfig: {
      streamer: { mode: 'external', publicUrl: 'https://video.example.test' },
      ingest: { mode: 'external', ladder: [360] },
      session: { leaseSeconds: 4, outageGraceSeconds: 0 },
    },
  });
  accounts = await createPlaybackAccounts(app);
  film = await upload();
});
afterEach(async () => {
  for (const { id } of await plugin('text-tracks').list(film.asset)) await plugin('text-tracks').remove(film.asset, id);
});
afterAll(() => app.stop());

describe('a text track', () => {
  it('that an editor adds is stored beside the film as WebVTT, and told to whoever may watch', async () => {
    const { asset, key, fileId } = film;
    const added = await add(asset, { facts: { default: 'true', language: 'DE-at' } });
    expect(added).toEqual({
      ...{ ...GERMAN, language: 'de-AT', default: true, isEmbedded: false },
      ...{ id: expect.stringMatching(/^[0-9a-f]{8}$/), sizeBytes: PUBLISHED.length },
    });
    expect(await list(asset)).toEqual([added]);
    expect(await beside(key)).toEqual([`text-${added.id}.vtt`]);
    expect(await readFile(onDisk(`${key}.vod/text-${added.id}.vtt`), 'utf8')).toBe(PUBLISHED);
    const video = await publishVideo(app, accounts.editor, { source: fileId });
    const chapters = await add(asset, { facts: { kind: 'chapters', language: 'und', label: 'Kapitel' } });
    const { token, textTracks, chapters: address, waveform } = await mint(app, video, accounts.viewer.jwt);
    const base = `https://video.example.test/v/${token}`;
    expect(textTracks).toEqual([
      { url: `${base}/text/${added.id}.vtt`, ...GERMAN, language: 'de-AT', default: true },
      { url: `${base}/text/${chapters.id}.vtt`, kind: 'chapters', language: 'und', label: 'Kapitel', default: false },
    ]);
    expect([address, waveform]).toEqual([`${base}/chapters.vtt`, null]);
    expect(await findings()).toEqual([]);
  });

  it('that is the default takes that from others of what is shown, not from chapters', async () => {
    const { asset } = film;
    await add(asset, { facts: { label: 'one', default: 'true' } });
    await add(asset, { facts: { label: 'parts', kind: 'chapters', default: 'true' } });
    await add(asset, { facts: { label: 'two', kind: 'captions', default: 'true' } });
    const listed = await list(asset);
    expect(Array.isArray(listed) && listed.map((one) => [one.label, one.default])).toEqual([
      ...[['one', false] as const, ['parts', true] as const, ['two', true] as const],
    ]);
  });

  it('is forced where that is said, unless it is a list of chapters', async () => {
    const { asset } = film;
    const added = await add(asset, { facts: { forced: 'true' } });
    expect([added.forced, (await add(asset)).forced]).toEqual([true, undefined]);
    expect(await list(asset)).toMatchObject([{ id: added.id, forced: true }, {}]);
    expect((await send(asset, { facts: { forced: 'true', kind: 'chapters' } })).status).toBe(400);
    expect((await send(asset, { facts: { forced: 'yes' } })).status).toBe(400);
  });

  it('is told in the audit when it comes and when it goes', async () => {
    const { asset } = await upload();
    const { id } = await add(asset);
    const route = `/assets/${asset}/text-tracks/${id}`;
    expect(await askAsAdmin(app, accounts.editor, route, { method: 'DELETE' })).toMatchObject({ status: 204 });
    expect(await askAsAdmin(app, accounts.editor, route, { method: 'DELETE' })).toMatchObject({ status: 404 });
    const { body } = await askAsAdmin(app, accounts.editor, `/audit?asset=${asset}&kind=text-track`);
    const { data } = body as { data: { reason: string; user: { kind: string } }[] };
    expect(data.map(({ reason, user }) => [reason, user.kind])).toEqual([
      ['text-removed', 'admin'],
      ['text-added', 'admin'],
    ]);
  });

  it('is removed with its file and nothing else', async () => {
    const { asset, key } = film;
    const [one, two] = [await add(asset), await add(asset)];
    await askAsAdmin(app, accounts.editor, `/assets/${asset}/text-tracks/${one.id}`, { method: 'DELETE' });
    expect(await list(asset)).toEqual([two]);
    expect(await beside(key)).toEqual([`text-${two.id}.vtt`]);
    await askAsAdmin(app, accounts.editor, `/assets/${asset}/text-tracks/${two.id}`, { method: 'DELETE' });
    expect(await beside(key)).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  it('S24 has a name of the plugin’s choice, whatever its label or the address says', async () => {
    const { asset, key } = film;
    await add(asset, { facts: { label: '../../../etc/passwd' } });
    expect((await beside(key)).every((name) => /^text-[0-9a-f]{8}\.vtt$/.test(name))).toBe(true);
    const remove = async (id: string) =>
      (await askAsAdmin(app, accounts.editor, `/assets/${asset}/text-tracks/${id}`, { method: 'DELETE' })).status;
    for (const id of ['..%2f..%2ffilm', '%2e%2e%5c', 'E1', 'poster.jpg', '0123456789abcdef0', 'e1%00']) {
      expect([id, await remove(id)]).toEqual([id, 404]);
    }
    expect(await list('..%2f..')).toBe(404);
    expect(await list('nobody')).toBe(404);
    expect(await list(asset)).toHaveLength(1);
  });

  it('is added and removed by those who may change the film’s file, and listed by those who may look at it', async () => {
    const { asset } = film;
    const { id } = await add(asset);
    const stranger = await createAdminWith(app, []);
    const reader = await createAdminWith(app, [{ action: 'plugin::upload.read' }]);
    const other = await createAdminWith(app, [
      { action: 'plugin::upload.read' },
      { action: 'plugin::upload.assets.update', conditions: ['admin::is-creator'] },
    ]);
    const writer = await createAdminWith(app, [{ action: 'plugin::upload.assets.update' }]);
    const tries = async (admin: AdminAccount) => {
      const route = `/assets/${asset}/text-tracks/${id}`;
      const listed = await list(asset, admin);
      const { status } = await send(asset, { admin });
      const removed = await askAsAdmin(app, admin, route, { method: 'DELETE' });
      return [Array.isArray(listed) ? 200 : listed, status, removed.status];
    };
    expect(await tries(stranger)).toEqual([403, 403, 403]);
    expect(await tries(reader)).toEqual([200, 403, 403]);
    expect(await tries(other)).toEqual([200, 404, 404]);
    expect(await list(asset)).toHaveLength(1);
    expect(await tries(writer)).toEqual([403, 201, 204]);
    expect(await tries({ ...writer, token: 'none' })).toEqual([401, 401, 401]);
  });

  it('that is broken, too large or of no known form is not taken, and said so with its line', async () => {
    const { asset, key } = film;
    const text = (content: string) => ({ bytes: Buffer.from(content) });
    expect(await refusal(asset, text('no cue'))).toEqual([400, 'text-block-unclear', 1]);
    expect(await refusal(asset, text('1\n00:00:03,000 --> 00:00:02,000\nHi\n'))).toEqual([
      400,
      'text-times-backwards',
      2,
    ]);
    expect(await refusal(asset, { bytes: Buffer.from(SRT.toString(), 'utf16le') })).toEqual([
      400,
      'text-not-utf8',
      null,
    ]);
    expect(await refusal(asset, { bytes: Buffer.alloc(1024 * 1024 + 1, ' ') })).toEqual([413, 'text-too-large', null]);
    // Of a length that is not told before.
    const endless = new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(256 * 1024)) });
    const sent = await send(asset, { bytes: endless }).catch(() => ({ status: 413 }));
    expect(sent.status).toBe(413);
    expect((await send(asset, { type: 'text/vtt' })).status).toBe(415);
    for (const facts of [{ language: 'no tag' }, { kind: 'metadata' }, { label: ' ' }, { label: 'a\nb' }, { x: '1' }]) {
      expect([facts, (await send(asset, { facts: facts as Record<string, string> })).status]).toEqual([facts, 400]);
    }
    expect(await list(asset)).toEqual([]);
    expect(await beside(key)).toEqual([]);
  });

  it('is one of as many as a film may have, also where they come at once', async () => {
    const { asset, key } = film;
    const some = await Promise.all([1, 2, 3, 4].map(() => send(asset)));
    const stored = some.filter(({ status }) => status === 201).length;
    expect(stored).toBeGreaterThan(0);
    expect(await beside(key)).toHaveLength(stored);
    const { derived } = await rowOf(asset);
    const many = Array.from({ length: 48 - stored }, (_, at) => ({
      ...derived[0],
      name: `text-${String(at).padStart(8, '0')}.vtt`,
    }));
    await app.strapi.db
      .query(ASSET_UID)
      .update({ where: { documentId: asset }, data: { derived: [...derived, ...many] } });
    expect(await refusal(asset, {})).toEqual([400, 'text-too-many-tracks', null]);
    await app.strapi.db.query(ASSET_UID).update({ where: { documentId: asset }, data: { derived } });
    expect(await findings()).toEqual([]);
  });
});

describe('S24 a text track in the storage', () => {
  it('goes to the trash with its film, comes back with it, and moves with it', async () => {
    const { fileId, asset, key } = await upload();
    const added = await add(asset);
    await deleteFromMediaLibrary(app, accounts.editor, fileId);
    expect(await beside(key)).toEqual([]);
    expect(await list(asset)).toBe(404);
    expect((await send(asset)).status).toBe(404);
    await plugin('storage-care').restore(asset);
    expect(await list(asset)).toEqual([added]);
    await all(plugin('storage-care').migrate('flat'));
    const { storageKey } = await rowOf(asset);
    expect(storageKey).toBe(`library/${asset}.mp4`);
    expect(await beside(storageKey)).toEqual([`text-${added.id}.vtt`]);
    expect(await findings()).toEqual([]);
  });

  it('that is missing or damaged is told by verify, and left to a person by repair', async () => {
    const { asset, key } = await upload();
    const [kept, lost, broken] = [await add(asset), await add(asset), await add(asset)];
    await workerSide(app).finishAll();
    await rm(onDisk(`${key}.vod/text-${lost.id}.vtt`));
    await writeFile(onDisk(`${key}.vod/text-${broken.id}.vtt`), 'x');
    await rm(onDisk(`${key}.vod/poster.jpg`));
    const left = [`derived-missing ${key}.vod/text-${lost.id}.vtt`, `derived-damaged ${key}.vod/text-${broken.id}.vtt`];
    expect((await findings()).toSorted()).toEqual([...left, `derived-missing ${key}.vod/poster.jpg`].toSorted());
    await all(plugin('storage-care').repair(NOW));
    await workerSide(app).finishAll();
    // The poster was made anew; nothing else has gone.
    expect((await findings()).toSorted()).toEqual(left.toSorted());
    expect(await list(asset)).toEqual([kept, lost, broken]);
    for (const { id } of [lost, broken]) {
      await askAsAdmin(app, accounts.editor, `/assets/${asset}/text-tracks/${id}`, { method: 'DELETE' });
    }
    expect(await findings()).toEqual([]);
  });

  it('comes back with a film that was moved by hand, with all that was made of it', async () => {
    const { asset, key } = await upload();
    const added = await add(asset);
    await workerSide(app).finishAll();
    const names = await beside(key);
    expect(names).toEqual(expect.arrayContaining([`text-${added.id}.vtt`, 'poster.jpg', '360p.mp4']));
    await mkdir(onDisk('library/by hand'));
    for (const tail of ['', '.vod', '.vod.json'])
      await rename(onDisk(key + tail), onDisk(`library/by hand/x.mp4${tail}`));
    const how = (await all<{ how?: string }>(plugin('storage-care').repair(NOW))).map((event) => event.how);
    expect(how.toSorted()).toEqual(['found', 'metadata-written', 'put-aside']);
    expect(await beside(key)).toEqual(names);
    expect(await list(asset)).toEqual([added]);
    expect((await jobsOf(app, asset)).every(({ state }) => state === 'done')).toBe(true);
    expect(await findings()).toEqual([]);
  });

  it('comes back with a lost row, and what was known of it', async () => {
    const { asset } = await upload();
    const added = await add(asset, { facts: { kind: 'captions', label: 'Für alle' } });
    await app.strapi.db.query(ASSET_UID).deleteMany({ where: { documentId: asset } });
    await all(plugin('storage-care').rebuild());
    expect(await list(asset)).toEqual([added]);
  });
});

/** As a worker does that has found texts of these ids in the film. */
async function deliver(asset: string, ids: string[], facts = { default: false }): Promise<void> {
  const worker = workerSide(app);
  for (let job = await worker.claim({ kinds: ['texts'] }); job; job = await worker.claim({ kinds: ['texts'] })) {
    const outputs = [];
    for (const id of job.asset === asset ? ids : []) {
      const name = `text-${id}.vtt`;
      const target = onDisk(job.outputs.find((output) => output.name === name)?.storageKey ?? '');
      const bytes = Buffer.from(PUBLISHED);
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      outputs.push({ name, sizeBytes: bytes.length, sha256, text: { ...GERMAN, ...facts } });
    }
    expect(await worker.report(job, { state: 'done', outputs })).toMatchObject({ state: 'settled' });
  }
}

describe('a text track that was found in the film', () => {
  const idsOf = async (asset: string) => {
    const listed = await list(asset);
    return Array.isArray(listed) ? listed.map(({ id }) => id) : listed;
  };

  it('that an editor took away stays away, whatever is made once more', async () => {
    const { asset, key } = await upload();
    await deliver(asset, ['e1', 'e2']);
    await askAsAdmin(app, accounts.editor, `/assets/${asset}/text-tracks/e1`, { method: 'DELETE' });
    await writeFile(onDisk(`${key}.vod/text-e2.vtt`), 'x');
    await all(plugin('storage-care').repair(NOW));
    await deliver(asset, ['e1', 'e2']);
    expect(await idsOf(asset)).toEqual(['e2']);
    await workerSide(app).finishAll();
    expect((await beside(key)).filter((name) => name.startsWith('text-'))).toEqual(['text-e2.vtt']);
    expect(await findings()).toEqual([]);
  });

  it('that the film calls its default stands back behind an editor’s', async () => {
    const { asset } = await upload();
    const { id } = await add(asset, { facts: { default: 'true' } });
    await deliver(asset, ['e1'], { default: true });
    const listed = await list(asset);
    expect(Array.isArray(listed) && listed.map((one) => [one.id, one.default])).toEqual([
      [id, true],
      ['e1', false],
    ]);
  });

  it('that an editor took away stays away though the film was moved, its metadata written anew and its row lost', async () => {
    const { asset, fileId } = await upload();
    await deliver(asset, ['e1', 'e2']);
    await askAsAdmin(app, accounts.editor, `/assets/${asset}/text-tracks/e1`, { method: 'DELETE' });
    await all(plugin('storage-care').migrate('flat'));
    await rm(onDisk(`library/${asset}.mp4.vod.json`));
    await all(plugin('storage-care').repair(NOW));
    await app.strapi.db.query(ASSET_UID).deleteMany({ where: { documentId: asset } });
    await plugin('ingest').forget(asset);
    await all(plugin('storage-care').rebuild());
    await plugin('ingest').backfill();
    await deliver(asset, ['e1', 'e2']);
    expect(await idsOf(asset)).toEqual(['e2']);
    await deleteFromMediaLibrary(app, accounts.editor, fileId);
    await plugin('storage-care').restore(asset);
    await deliver(asset, ['e1', 'e2']);
    expect(await idsOf(asset)).toEqual(['e2']);
  });
});

describe('a film that was replaced and is watched still', () => {
  /** With renditions, pictures and a text beside it. */
  async function replaced() {
    const { asset, key, fileId } = await upload();
    const added = await add(asset);
    await workerSide(app).finishAll();
    const names = await beside(key);
    expect(names).toEqual(expect.arrayContaining([`text-${added.id}.vtt`, 'poster.jpg', '360p.mp4']));
    const video = await publishVideo(app, accounts.editor, { source: fileId });
    const answer = await streamerSide(app).introspect((await mint(app, video, accounts.viewer.jwt)).token);
    if (!answer.active) throw new Error('the token was refused');
    await uploadToMediaLibrary(app, accounts.editor, { name: 'new.mp4', bytes: clip(), replaces: fileId });
    await workerSide(app).finishAll();
    expect(await rowOf(asset)).toMatchObject({ state: 'replaced' });
    const end = async () => {
      await plugin('playback-session').store.end(hashOf(answer.sessionId), 'ended-by-editor');
      await plugin('film-replacement').sweep();
    };
    return { asset, key, names, end };
  }
  const kinds = async (events: AsyncIterable<{ kind: string; assetId: string }>, asset: string) =>
    (await all(events)).filter(({ assetId }) => assetId === asset).map(({ kind }) => kind);

  it('stays whole where it lies, whatever is done to the library, and goes to the trash as a whole', async () => {
    const { asset, key, names, end } = await replaced();
    expect(await findings()).toEqual([]);
    expect(await kinds(plugin('storage-care').migrate('directory'), asset)).toEqual([]);
    await rm(onDisk(`${key}.vod.json`));
    expect(await findings()).toEqual([`metadata-missing ${key}`]);
    await all(plugin('storage-care').repair(NOW));
    expect(await kinds(plugin('storage-care').rebuild(), asset)).toEqual(['known']);
    expect([(await rowOf(asset)).storageKey, await beside(key), await findings()]).toEqual([key, names, []]);
    await end();
    const { state, trashKey } = await rowOf(asset);
    expect([state, await beside(key), await beside(trashKey)]).toEqual(['trashed', [], names]);
    expect(await findings()).toEqual([]);
    await plugin('storage-care').restore(asset);
    expect([await beside(key), await findings()]).toEqual([names, []]);
  });

  it('is whole again after its way to the trash was cut off, and what was made of it is not made anew', async () => {
    const { asset, key, names, end } = await replaced();
    await mkdir(onDisk(`trash/2026-02-03/${asset}`), { recursive: true });
    const half = `trash/2026-02-03/${asset}/film.mp4`;
    for (const tail of ['', '.vod', '.vod.json']) await rename(onDisk(key + tail), onDisk(half + tail));
    await all(plugin('storage-care').repair(NOW));
    expect([await beside(key), await findings()]).toEqual([names, []]);
    // Nobody makes anything of a film that goes.
    const poster = onDisk(`${key}.vod/poster.jpg`);
    await rename(poster, `${poster}.aside`);
    const finding = { code: 'derived-missing', assetId: asset };
    expect(await all(plugin('storage-care').repair({ ...NOW, minAgeSeconds: 600 }))).toMatchObject([
      { kind: 'left', finding },
    ]);
    await rename(`${poster}.aside`, poster);
    await end();
    const { state, trashKey } = await rowOf(asset);
    expect([state, await beside(trashKey), await findings()]).toEqual(['trashed', names, []]);
  });

  it('whose row was lost is a film of its own after a rebuild', async () => {
    const { asset, key, names } = await replaced();
    await app.strapi.db.query(ASSET_UID).deleteMany({ where: { documentId: asset } });
    expect(await kinds(plugin('storage-care').rebuild(), asset)).toEqual(['added']);
    expect(await rowOf(asset)).toMatchObject({ state: 'ready', storageKey: key });
    expect([await beside(key), await findings()]).toEqual([names, []]);
  });
});
