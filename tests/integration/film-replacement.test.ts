import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { clipWithoutEnd, png } from '../support/clips';
import { publishVideo, unpublishVideo } from '../support/films';
import { hashOf, type StreamerSide, streamerSide } from '../support/internal';
import { deleteFromMediaLibrary, type MediaFile, uploadToMediaLibrary } from '../support/media-library';
import { askForToken, mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { describeTwoNodes } from '../support/second-node';
import { shortFilm } from '../support/short-film';
import { createAdminWith } from '../support/strapi-accounts';
import { askForTicket, createUpload, sendPiece, type Ticket, ticketFor } from '../support/tus-requests';
import { until } from '../support/until';

const ASSET = 'plugin::protected-vod.asset';
const FILE = 'plugin::upload.file';
const SESSION = 'plugin::protected-vod.playback-session';
const AUDIT = 'plugin::protected-vod.audit-event';

let site: PublishedSite;
let streamer: StreamerSide;
let film: Buffer;
/** The film of each test, as a Media Library file and as a published entry. */
let file: MediaFile;
let old: string;
let video: string;

beforeAll(async () => {
  film = await shortFilm();
  site = await startPublishedSite();
  streamer = streamerSide(site.app);
});
afterAll(() => site.app.stop());

const service = (name: string) => site.app.strapi.plugin('protected-vod').service(name);
const assetIdOf = ({ url }: { url: string }) => url.slice(url.lastIndexOf('/') + 1);
const assetOf = (documentId: string) => site.app.strapi.db.query(ASSET).findOne({ where: { documentId } });
const changeAsset = (documentId: string, data: object) =>
  site.app.strapi.db.query(ASSET).update({ where: { documentId }, data });
const liesAt = (key: string) => existsSync(path.join(site.app.storageRoot, key));
/** What a Media Library row says that got a picture in place of its film. */
const PICTURE = { url: '/uploads/p.png', provider_metadata: null, name: 'p.png', ext: '.png', mime: 'image/png' };
const putPicture = () => site.app.strapi.db.query(FILE).update({ where: { id: file.id }, data: { ...PICTURE } });
const sweep = () => service('film-replacement').sweep();
const upload = (name: string, replaces?: number, bytes = film) =>
  uploadToMediaLibrary(site.app, site.editor, { name, bytes, ...(replaces !== undefined && { replaces }) });

/** Through the Media Library's own “Replace media”; resolves to the new asset. */
const replace = async (name = 'new.mp4') => assetIdOf((await upload(name, file.id)).file);

const newToken = async () => (await mint(site.app, video, site.viewer.jwt)).token;

async function redeem(token: string) {
  const answer = await streamer.introspect(token);
  if (!answer.active) throw new Error('the token was refused');
  const { sessionId, grant } = answer;
  return { sessionId, session: hashOf(sessionId), asset: grant.asset.id };
}

const watch = async () => redeem(await newToken());
const end = (session: string) => service('playback-session').store.end(session, 'ended-by-editor');
const goneToTrash = (asset: string) =>
  until('the old film is in the trash', async () => (await assetOf(asset)).state === 'trashed');

async function replacementsTold() {
  await service('audit').flush();
  return site.app.strapi.db.query(AUDIT).findMany({ where: { video, kind: 'replacement' } });
}

async function verified() {
  const found = [];
  const options = { isQuick: false, minAgeSeconds: 0 };
  for await (const finding of service('storage-care').verify(options)) found.push(finding);
  return found;
}

beforeEach(async () => {
  ({ file } = await upload('old.mp4'));
  old = assetIdOf(file);
  video = await publishVideo(site.app, site.editor, { source: file.id });
});

describe('a film that is replaced in the Media Library while somebody watches it', () => {
  it('goes on for them, is nothing to anybody else, and goes to the trash when their last session ends', async () => {
    const [first, second, early] = [await watch(), await watch(), await newToken()];
    const by = await replace();
    expect(await assetOf(old)).toMatchObject({ state: 'replaced', replacedBy: by, replacedIn: file.documentId });
    // The token of before as well as one of now.
    expect((await redeem(early)).asset).toBe(by);
    expect((await watch()).asset).toBe(by);
    const { results } = await streamer.sync([first, second]);
    expect(results).toMatchObject([first, second].map(({ session }) => ({ session, state: 'renewed' })));
    expect(results).toMatchObject([{ grant: { asset: { id: old } } }, { grant: { asset: { id: old } } }]);
    expect((await redeem(first.sessionId)).asset).toBe(old);

    await end(first.session);
    await sweep();
    const { storageKey } = await assetOf(old);
    expect(liesAt(storageKey)).toBe(true);
    await end(second.session);
    await goneToTrash(old);
    const { trashKey, reason } = await assetOf(old);
    expect([reason, liesAt(storageKey), liesAt(trashKey), liesAt(`${trashKey}.vod.json`)]).toEqual([
      'replaced',
      false,
      true,
      true,
    ]);
    expect(await assetOf(by)).toMatchObject({ state: 'ready' });
  });

  it('also ends for them with their right to watch the entry', async () => {
    const { session } = await watch();
    await replace();
    await unpublishVideo(site.app, site.editor, video);
    expect((await streamer.sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
    await goneToTrash(old);
  });

  it('twice in a row: each of both goes when its own last session ends', async () => {
    const first = await watch();
    const second = await replace('second.mp4');
    const later = await watch();
    const third = await replace('third.mp4');
    expect([first.asset, later.asset, (await watch()).asset]).toEqual([old, second, third]);
    await end(later.session);
    await goneToTrash(second);
    expect(await assetOf(old)).toMatchObject({ state: 'replaced' });
    await end(first.session);
    await goneToTrash(old);
  });

  it('is taken away with the file, where that is deleted meanwhile', async () => {
    const { session } = await watch();
    const by = await replace();
    expect((await deleteFromMediaLibrary(site.app, site.editor, file.id, '?force=true')).status).toBe(200);
    expect(await assetOf(by)).toMatchObject({ state: 'trashed', reason: 'file-deleted' });
    expect(await assetOf(old)).toMatchObject({ state: 'trashed', reason: 'file-deleted' });
    expect((await streamer.sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
  });

  it('stays for everybody where the new one is refused', async () => {
    const { sessionId } = await watch();
    const { status, error } = await upload('bad.mp4', file.id, clipWithoutEnd());
    expect([status, error.message]).toEqual([400, expect.stringContaining('“bad.mp4” is incomplete')]);
    expect(await assetOf(old)).toMatchObject({ state: 'ready', replacedBy: null });
    expect([(await redeem(sessionId)).asset, (await watch()).asset]).toEqual([old, old]);
  });

  it('comes back from the trash as a film of its own', async () => {
    await replace();
    expect(await assetOf(old)).toMatchObject({ state: 'trashed' });
    await service('asset').restore(old);
    expect(await assetOf(old)).toMatchObject({ state: 'ready', reason: null, replacedBy: null });
    await sweep();
    expect(await assetOf(old)).toMatchObject({ state: 'ready' });
  });

  it('is known to verify, where and stats, and stays where it lies while others move', async () => {
    const { session } = await watch();
    const replaced = async () => (await service('storage-care').stats()).replaced.films;
    const before = await replaced();
    const by = await replace();
    const { storageKey } = await assetOf(old);
    expect((await verified()).filter(({ assetId }) => assetId === old || assetId === null)).toEqual([]);
    expect(await service('storage-care').where(video)).toMatchObject([
      { assetId: by, state: 'ready', isThere: true },
      { assetId: old, state: 'replaced', isThere: true },
    ]);
    expect(await replaced()).toBe(before + 1);
    await end(session);
    await goneToTrash(old);
    expect(liesAt(storageKey)).toBe(false);
  });

  it('is told by the audit with who did it, and for which entry', async () => {
    const by = await replace();
    expect(await replacementsTold()).toMatchObject([
      { asset: by, originKind: 'admin', originId: String(site.editor.id) },
    ]);
  });
});

describe('a film whose bytes are lost', () => {
  const picture = () => ({ name: 'p.png', bytes: png(), type: 'image/png', replaces: file.id });

  it('gives way to a picture all the same, also to one that a caller’s own transaction puts there', async () => {
    const warned = vi.spyOn(site.app.strapi.log, 'warn');
    onTestFinished(() => warned.mockRestore());
    const timesTold = () => warned.mock.calls.flat().filter((line) => String(line).includes(old)).length;
    const { storageKey } = await assetOf(old);
    await rm(path.join(site.app.storageRoot, storageKey));
    await site.app.strapi.db.transaction(putPicture);
    await until('it was told', () => timesTold() === 1);
    const row = await site.app.strapi.db.query(FILE).findOne({ where: { id: file.id } });
    expect(row).toMatchObject(PICTURE);

    ({ file } = await upload('other.mp4'));
    old = assetIdOf(file);
    await rm(path.join(site.app.storageRoot, (await assetOf(old)).storageKey));
    const { status, file: now } = await uploadToMediaLibrary(site.app, site.editor, picture());
    expect([status, now.mime]).toEqual([200, 'image/png']);
  });

  it('is no reason for an error that nobody catches, whatever else is wrong with it', async () => {
    const assets = service('asset');
    const { trash } = assets;
    assets.trash = async () => {
      assets.trash = trash;
      throw new Error('the disk is gone');
    };
    const told = vi.spyOn(site.app.strapi.log, 'error');
    onTestFinished(() => told.mockRestore());
    await site.app.strapi.db.transaction(putPicture);
    await until('it was told', () => told.mock.calls.flat().some((error) => String(error).includes('disk is gone')));
    await sweep();
    expect(await assetOf(old)).toMatchObject({ state: 'trashed' });
  });
});

describe('a resumable upload in place of a film', () => {
  const demand = () => ({ fileName: 'resumed.mp4', sizeBytes: film.byteLength, replaces: file.id });
  const ask = (admin = site.editor, body: object = demand()) => askForTicket(site.app, admin, body);
  /** Begins the upload; the rest comes when it is called. */
  async function begin({ token, ...ticket }: Ticket): Promise<() => Promise<Response>> {
    const created = await createUpload(site.app, { token, ...ticket }, film.byteLength);
    const location = created.headers.get('location') ?? '';
    return () => sendPiece(site.app, { location, token, offset: 0, body: new Uint8Array(film) });
  }

  it('keeps the file and its entry, as “Replace media” does, and the audit names whose upload it was', async () => {
    const { sessionId } = await watch();
    const told =
      (await (await begin(await ticketFor(site.app, site.editor, demand())))()).headers.get('upload-result') ?? '';
    const { fileId, fileDocumentId, assetId } = JSON.parse(told);
    expect([fileId, fileDocumentId]).toEqual([file.id, file.documentId]);
    expect(await site.app.strapi.db.query(FILE).findOne({ where: { id: fileId } })).toMatchObject({
      name: 'resumed.mp4',
    });
    expect([(await watch()).asset, (await redeem(sessionId)).asset]).toEqual([assetId, old]);
    expect(await replacementsTold()).toMatchObject([
      { asset: assetId, originKind: 'admin', originId: String(site.editor.id) },
    ]);
  });

  it('S23 needs the right to change that file, when it is asked for and when it ends', async () => {
    const uploader = await createAdminWith(site.app, [{ action: 'plugin::upload.assets.create' }]);
    expect((await ask(uploader)).status).toBe(403);
    const editor = await createAdminWith(site.app, [
      { action: 'plugin::upload.assets.create' },
      { action: 'plugin::upload.assets.update' },
    ]);
    const ticket = await ticketFor(site.app, editor, demand());
    const finish = await begin(ticket);
    await site.app.strapi.db.query('admin::permission').deleteMany({
      where: { action: 'plugin::upload.assets.update', role: { users: { id: editor.id } } },
    });
    expect((await finish()).status).toBe(403);
    expect(await assetOf(old)).toMatchObject({ state: 'ready' });
  });

  it('is refused where no film is behind the file, and where the file has gone meanwhile', async () => {
    const { file: picture } = await uploadToMediaLibrary(site.app, site.editor, {
      name: 'p.png',
      bytes: png(),
      type: 'image/png',
    });
    expect((await ask(site.editor, { ...demand(), replaces: picture.id })).status).toBe(422);
    await deleteFromMediaLibrary(site.app, site.editor, picture.id);
    const finish = await begin(await ticketFor(site.app, site.editor, demand()));
    await deleteFromMediaLibrary(site.app, site.editor, file.id, '?force=true');
    const last = await finish();
    expect([last.status, await last.json()]).toMatchObject([
      422,
      { error: { details: { code: 'upload-target-gone' } } },
    ]);
  });
});

describe('another file as the source of an entry', () => {
  it('counts once it is published; who watches goes on, and the file of before stays in the Media Library', async () => {
    const { sessionId } = await watch();
    const other = (await upload('other.mp4')).file;
    const videos = site.app.strapi.documents('plugin::protected-vod.video' as never);
    await videos.update({ documentId: video, data: { source: other.id } as never });
    expect((await watch()).asset).toBe(old);
    await videos.publish({ documentId: video });
    expect((await watch()).asset).toBe(assetIdOf(other));
    expect((await redeem(sessionId)).asset).toBe(old);
    expect(await assetOf(old)).toMatchObject({ state: 'ready' });
    expect(await replacementsTold()).toMatchObject([{ asset: assetIdOf(other) }]);
  });
});

describe('the way of a replaced film to the trash', () => {
  it('is gone by whoever sweeps, where the session was left without a word', async () => {
    const { session } = await watch();
    await replace();
    await sweep();
    expect(await assetOf(old)).toMatchObject({ state: 'replaced' });
    const longAgo = { leaseDue: '1', lastSeenAt: '1' };
    await site.app.strapi.db.query(SESSION).update({ where: { sessionHash: session }, data: longAgo });
    const holders = 'plugin::protected-vod.session-holder';
    await site.app.strapi.db.query(holders).deleteMany({ where: { sessionHash: session } });
    await sweep();
    expect(await assetOf(old)).toMatchObject({ state: 'trashed' });
    expect(await site.app.strapi.db.query(SESSION).findOne({ where: { sessionHash: session } })).toMatchObject({
      state: 'ended',
      endReason: 'session-silent',
    });
  });

  it('is taken up after a crash behind the change of the file', async () => {
    const { session } = await watch();
    await replace();
    await changeAsset(old, { state: 'ready', reason: null });
    await sweep();
    expect(await assetOf(old)).toMatchObject({ state: 'replaced' });
    await end(session);
    await goneToTrash(old);
  });

  it('is taken up after a crash where no film came in its place', async () => {
    await putPicture();
    const { storageKey, trashKey } = await assetOf(old);
    await rename(path.join(site.app.storageRoot, trashKey), path.join(site.app.storageRoot, storageKey));
    await changeAsset(old, { state: 'ready', trashKey: null, reason: null });
    await sweep();
    expect(await assetOf(old)).toMatchObject({ state: 'trashed', reason: 'file-deleted' });
    expect([liesAt(storageKey), liesAt(trashKey)]).toEqual([false, true]);
  });

  it('is not begun after a crash before it', async () => {
    await changeAsset(old, { replacedBy: 'a'.repeat(24), replacedIn: file.documentId });
    await sweep();
    expect((await watch()).asset).toBe(old);
  });

  it.each([
    ['before the bytes moved', false],
    ['behind the bytes', true],
  ])('is taken up after a crash %s, by several nodes at once', async (_, isMoved) => {
    await replace();
    const { storageKey, trashKey } = await assetOf(old);
    await changeAsset(old, { state: 'replaced', reason: 'replaced' });
    if (!isMoved) {
      for (const tail of ['', '.vod.json']) {
        const at = (key: string) => path.join(site.app.storageRoot, key + tail);
        await rename(at(trashKey), at(storageKey));
      }
    }
    await Promise.all([sweep(), sweep(), sweep()]);
    expect(await assetOf(old)).toMatchObject({ state: 'trashed', trashKey });
    expect([liesAt(storageKey), liesAt(trashKey), liesAt(`${trashKey}.vod.json`)]).toEqual([false, true, true]);
    expect((await verified()).filter(({ assetId }) => assetId === old || assetId === null)).toEqual([]);
  });
});

describe('two changes of one Media Library file in the same instant', () => {
  const files = () => site.app.strapi.db.query(FILE);
  const put = (asset: unknown) => service('media-file').replace(file.id, { asset, adminId: site.editor.id });

  /** A film that is about to take the file's place. */
  async function incoming(name: string) {
    const { url } = (await upload(name)).file;
    await files().deleteMany({ where: { url } });
    return assetOf(assetIdOf({ url }));
  }

  /** Of these, in the order of when they came: the states of those before the one that the file stands for, and of that one. */
  async function outcome(...assets: { documentId: string; fileName: string }[]) {
    const row = await files().findOne({ where: { id: file.id } });
    const last = assets.find(({ documentId }) => row?.url.endsWith(documentId));
    const others = [{ documentId: old }, ...assets].filter((one) => one !== last);
    const stateOf = async ({ documentId }: { documentId: string }) => (await assetOf(documentId)).state;
    return { row, last, states: await Promise.all(others.map(stateOf)) };
  }
  const forsaken = async () => (await verified()).filter(({ code }) => code === 'film-without-file');

  it('replacements: the file stands for one whole film, and all others go to the trash', async () => {
    const films = await Promise.all(['b.mp4', 'c.mp4', 'd.mp4'].map(incoming));
    const { session } = await watch();
    await Promise.all(films.map(put));
    const { row, last, states } = await outcome(...films);
    expect(row).toMatchObject({
      name: last?.fileName,
      provider_metadata: { protectedVod: { assetId: last?.documentId } },
    });
    expect(await assetOf(last?.documentId ?? '')).toMatchObject({ state: 'ready' });
    expect(states).toEqual(['replaced', 'trashed', 'trashed']);
    await end(session);
    await goneToTrash(old);
    expect(await forsaken()).toEqual([]);
  });

  it('“Replace media” and a resumable upload: as one after the other', async () => {
    const demand = { fileName: 'resumed.mp4', sizeBytes: film.byteLength, replaces: file.id };
    const ticket = await ticketFor(site.app, site.editor, demand);
    const created = await createUpload(site.app, ticket, film.byteLength);
    const location = created.headers.get('location') ?? '';
    const last = { location, token: ticket.token, offset: 0, body: new Uint8Array(film) };
    const [sent, ...answers] = await Promise.all([
      sendPiece(site.app, last),
      upload('b.mp4', file.id),
      upload('c.mp4', file.id),
    ]);
    expect([sent.status, ...answers.map(({ status }) => status)]).toEqual([204, 200, 200]);
    expect((await assetOf(old)).state).toBe('trashed');
    expect(await forsaken()).toEqual([]);
  });

  /** Does something once, between what the plugin does before the next change of a file and that change. */
  function inBetween(act: () => Promise<unknown>): void {
    let isDone = false;
    const unsubscribe = site.app.strapi.db.lifecycles.subscribe({
      models: [FILE],
      async beforeUpdate() {
        if (isDone) return;
        isDone = true;
        await act();
      },
    });
    onTestFinished(() => unsubscribe());
  }

  it('a replacement and the deletion of the file: no film is left that nothing stands for', async () => {
    const film = await incoming('b.mp4');
    inBetween(() => files().delete({ where: { id: file.id } }));
    await expect(put(film)).rejects.toMatchObject({ code: 'upload-target-gone' });
    expect((await outcome(film)).states).toEqual(['trashed', 'trashed']);
    expect(await forsaken()).toEqual([]);
  });

  it('a deletion before a replacement: the film that comes too late goes to the trash', async () => {
    const film = await incoming('b.mp4');
    await deleteFromMediaLibrary(site.app, site.editor, file.id, '?force=true');
    await expect(put(film)).rejects.toThrow(/was deleted/);
    expect(await assetOf(film.documentId)).toMatchObject({ state: 'trashed' });
  });

  it('a film and a picture: whichever was first gives way', async () => {
    const first = await incoming('b.mp4');
    inBetween(() => put(first));
    await putPicture();
    expect(await outcome(first)).toMatchObject({ row: { name: 'b.mp4' }, last: first, states: ['trashed'] });
    inBetween(putPicture);
    const second = await incoming('c.mp4');
    await put(second);
    expect(await outcome(first, second)).toMatchObject({ row: PICTURE, states: ['trashed', 'trashed', 'trashed'] });
    expect(await forsaken()).toEqual([]);
  });

  it('a film whose file is gone all the same is told by verify, and has one again after repair', async () => {
    const film = await incoming('b.mp4');
    expect(await forsaken()).toMatchObject([{ assetId: film.documentId, key: film.storageKey }]);
    for await (const _ of service('storage-care').repair({ isQuick: true, minAgeSeconds: 0 }));
    expect(await service('asset').countFiles(film.documentId)).toBe(1);
    expect(await assetOf(film.documentId)).toMatchObject({ state: 'ready' });
    expect(await forsaken()).toEqual([]);
  });
});

/** Holds the next redemption between its decision and its session's row. */
function pauseBeforeInsert() {
  const { store } = service('playback-session');
  const { insertOnce } = store;
  const pause = { isReached: false, resume: () => {} };
  const paused = new Promise<void>((resolve) => {
    pause.resume = resolve;
  });
  store.insertOnce = async (session: unknown) => {
    store.insertOnce = insertOnce;
    pause.isReached = true;
    await paused;
    return insertOnce(session);
  };
  return pause;
}

it('a redemption that was decided before the replacement, and is written after it, gets the new film', async () => {
  const token = await newToken();
  const pause = pauseBeforeInsert();
  const redeeming = redeem(token);
  await until('it was decided', () => pause.isReached);
  const by = await replace();
  await goneToTrash(old);
  pause.resume();
  expect((await redeeming).asset).toBe(by);
});

describeTwoNodes('a film that is replaced on two nodes at once', (node) => {
  it('again and again: one film stands, and nothing is left over', async () => {
    for (let round = 0; round < 3; round += 1) {
      const sites = [site.app, node, site.app, node];
      const answers = await Promise.all(
        sites.map((one, at) =>
          uploadToMediaLibrary(one, site.editor, { name: `${round}-${at}.mp4`, bytes: film, replaces: file.id }),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    }
    const row = await site.app.strapi.db.query(FILE).findOne({ where: { id: file.id } });
    const standing = await assetOf(assetIdOf(row));
    expect(standing).toMatchObject({ state: 'ready', fileName: row.name });
    const ours = (await verified()).filter(({ code }) => code === 'film-without-file');
    expect(ours).toEqual([]);
    const left = await site.app.strapi.db.query(ASSET).findMany({ where: { replacedIn: file.documentId } });
    expect(left.length).toBe(12);
    expect(new Set(left.map(({ state }: { state: string }) => state))).toEqual(new Set(['trashed']));
  });
});

it('S17 a stored film whose row is broken keeps nobody from another one', async () => {
  const other = await publishVideo(site.app, site.editor, { source: (await upload('broken.mp4')).file.id });
  const running = await watch();
  const { session } = await redeem((await mint(site.app, other, site.viewer.jwt)).token);
  const broken = (await site.app.strapi.db.query(SESSION).findOne({ where: { sessionHash: session } })).asset;
  await site.app.strapi.db
    .getConnection('protected_vod_assets')
    .where({ document_id: broken })
    .update({ duration_seconds: null });
  await service('playback-session').store.markDue({});
  const { results } = await streamer.sync([{ session }, running]);
  expect(results).toMatchObject([{ state: 'ended' }, { state: 'renewed', grant: { asset: { id: old } } }]);
  expect((await askForToken(site.app, other, site.viewer.jwt)).status).toBe(404);
});
