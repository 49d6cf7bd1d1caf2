import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { decodeJwt } from 'jose';
import { Upload } from 'tus-js-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clip, clipWithHiddenLeadIn, clipWithoutEnd } from '../support/clips';
import { type AdminAccount, createAdmin, createAdminWith } from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';
import * as tus from '../support/tus-requests';
import { type Ticket, TUS } from '../support/tus-requests';

const UPLOAD_ACTION = 'plugin::upload.assets.create';

let app: StrapiApp;
let admin: AdminAccount;

const askForTicket = (body: object, account = admin) => tus.askForTicket(app, account, body);
const ticketFor = (fileName: string, bytes: Buffer, account = admin) =>
  tus.ticketFor(app, account, { fileName, sizeBytes: bytes.byteLength });
const create = (ticket: Ticket, length: number, headers: Record<string, string> = {}) =>
  tus.createUpload(app, ticket, length, headers);
const send = (location: string, token: string, offset: number, bytes: Buffer, headers: Record<string, string> = {}) =>
  tus.sendPiece(app, { location, token, offset, body: new Uint8Array(bytes), headers });
const head = (location: string, token: string) => tus.askForOffset(app, location, token);

/** Creates and sends everything in one PATCH; answers the last response. */
async function uploadWhole(fileName: string, bytes: Buffer, account = admin): Promise<Response> {
  const ticket = await ticketFor(fileName, bytes, account);
  const created = await create(ticket, bytes.byteLength);
  return send(created.headers.get('location') ?? '', ticket.token, 0, bytes);
}

const incoming = () => readdir(path.join(app.storageRoot, 'incoming'));
const partsLeft = async () => (await incoming()).filter((name) => !name.endsWith('.json'));
const fileRow = (id: number) =>
  app.strapi.db.query('plugin::upload.file').findOne({ where: { id }, populate: { folder: true, createdBy: true } });

beforeAll(async () => {
  app = await startStrapiApp({ pluginConfig: { streamer: { mode: 'external' }, upload: { maxBytes: 100_000_000 } } });
  admin = await createAdmin(app);
});

afterAll(() => app.stop());

describe('a film that comes in by tus', () => {
  test('is a Media Library file and a ready asset when the last PATCH is answered', async () => {
    const emitted: unknown[] = [];
    app.strapi.eventHub.once('media.create', async (event: unknown) => void emitted.push(event));
    const response = await uploadWhole('tus.mp4', clip());

    expect(response.status).toBe(204);
    const result = JSON.parse(response.headers.get('upload-result') ?? '');
    expect(await fileRow(result.fileId)).toMatchObject({
      documentId: result.fileDocumentId,
      name: 'tus.mp4',
      ext: '.mp4',
      mime: 'video/mp4',
      provider: 'local',
      folderPath: '/',
      url: `/protected-vod/asset/${result.assetId}`,
      provider_metadata: { protectedVod: { assetId: result.assetId } },
      createdBy: { id: admin.id },
    });
    expect(emitted).toMatchObject([{ media: { id: result.fileId } }]);
    const asset = await app.strapi.plugin('protected-vod').service('asset').findById(result.assetId);
    expect(asset).toMatchObject({
      state: 'ready',
      storageKey: 'library/tus.mp4',
      sha256: createHash('sha256').update(clip()).digest('hex'),
    });
    expect((await readFile(path.join(app.storageRoot, 'library/tus.mp4'))).equals(clip())).toBe(true);
    expect(await partsLeft()).toEqual([]);
  });

  test('may come in pieces: HEAD tells how far it is, and the hash is that of the whole', async () => {
    const bytes = clip();
    const ticket = await ticketFor('pieces.mp4', bytes);
    const location = (await create(ticket, bytes.byteLength)).headers.get('location') ?? '';
    const half = 11_000_000;
    expect((await send(location, ticket.token, 0, bytes.subarray(0, half))).status).toBe(204);
    expect((await head(location, ticket.token)).headers.get('upload-offset')).toBe(String(half));
    // The offset of another time: nothing is written.
    expect((await send(location, ticket.token, 5, bytes.subarray(5, 10))).status).toBe(409);
    const last = await send(location, ticket.token, half, bytes.subarray(half));
    const { assetId } = JSON.parse(last.headers.get('upload-result') ?? '');
    const asset = await app.strapi.plugin('protected-vod').service('asset').findById(assetId);
    expect(asset.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('can be asked for again when the last answer got lost', async () => {
    const bytes = clip();
    const ticket = await ticketFor('lost.mp4', bytes);
    const location = (await create(ticket, bytes.byteLength)).headers.get('location') ?? '';
    const last = await send(location, ticket.token, 0, bytes);
    const again = await head(location, ticket.token);
    expect(again.headers.get('upload-offset')).toBe(String(bytes.byteLength));
    expect(again.headers.get('upload-result')).toBe(last.headers.get('upload-result'));
    const repeated = await send(location, ticket.token, bytes.byteLength, Buffer.alloc(0));
    expect(repeated.headers.get('upload-result')).toBe(last.headers.get('upload-result'));
    // Neither a second film under the same token nor taking it back.
    expect((await create(ticket, bytes.byteLength)).status).toBe(400);
    const removed = await fetch(app.url + location, {
      method: 'DELETE',
      headers: { ...TUS, 'upload-token': ticket.token },
    });
    expect(removed.status).toBe(400);
  });

  test('lies in the folder that the ticket names', async () => {
    const folder = await app.strapi.plugin('upload').service('folder').create({ name: 'Lectures', parent: null });
    const bytes = clip();
    const asked = await askForTicket({ fileName: 'in-folder.mp4', sizeBytes: bytes.byteLength, folderId: folder.id });
    const ticket = ((await asked.json()) as { data: Ticket }).data;
    const location = (await create(ticket, bytes.byteLength)).headers.get('location') ?? '';
    const last = await send(location, ticket.token, 0, bytes);
    const { fileId, assetId } = JSON.parse(last.headers.get('upload-result') ?? '');
    expect(await fileRow(fileId)).toMatchObject({ folder: { id: folder.id }, folderPath: folder.path });
    const asset = await app.strapi.plugin('protected-vod').service('asset').findById(assetId);
    expect(asset.storageKey).toBe('library/Lectures/in-folder.mp4');
  });

  test('tells in its result what can be done with the film, in any letters', async () => {
    const response = await uploadWhole('Glück – 幸せ.mp4', clipWithHiddenLeadIn());
    expect(response.status).toBe(204);
    const told = response.headers.get('upload-result') ?? '';
    expect(told).toMatch(/^[\x20-\x7e]+$/);
    const result = JSON.parse(told);
    expect(result).toMatchObject({ verdict: 'transcode-first', verdictReason: 'has-hidden-part' });
    expect(result.verdictSentence).toMatch(/^“Glück – 幸せ.mp4” was trimmed/);
  });
});

describe('a file that is no film is refused with a sentence and leaves nothing', () => {
  test.each([
    ['text', Buffer.from('hello'), '“talk.mp4” is not a film: its content is plain text.', 'film-is-not-a-film'],
    ['a playlist', Buffer.from('#EXTM3U\n'), '“talk.mp4” is a text playlist, not a film.', 'film-is-playlist'],
    [
      'a cut-off film',
      clipWithoutEnd(),
      '“talk.mp4” is incomplete: the upload or the export was cut off.',
      'film-is-incomplete',
    ],
  ])('%s', async (_, bytes, sentence, code) => {
    const [before, files] = [await incoming(), await app.strapi.db.query('plugin::upload.file').count()];
    const response = await uploadWhole('talk.mp4', bytes);
    expect(response.status).toBe(422);
    const body = (await response.json()) as { error: { message: string; details: { code: string } } };
    expect(body.error).toMatchObject({ message: sentence, details: { code, verdict: 'refused' } });
    expect(await incoming()).toEqual(before);
    expect(await app.strapi.db.query('plugin::upload.file').count()).toBe(files);
  });
});

describe('tus 1.0.0', () => {
  const digest = (bytes: Buffer, algorithm: string) =>
    `${algorithm} ${createHash(algorithm).update(bytes).digest('base64')}`;

  test('OPTIONS tells extensions, checksums and the limit, to whoever asks', async () => {
    const { status, headers } = await fetch(`${app.url}/api/protected-vod/uploads`, { method: 'OPTIONS' });
    expect(status).toBe(204);
    expect(headers.get('tus-version')).toBe('1.0.0');
    expect(headers.get('tus-extension')).toBe('creation,creation-with-upload,checksum,termination,expiration');
    expect(headers.get('tus-checksum-algorithm')).toBe('sha1,sha256');
    expect(headers.get('tus-max-size')).toBe('100000000');
  });

  test('a piece whose checksum is wrong answers 460 and does not count; the right one does', async () => {
    const bytes = clip();
    const half = 11_000_000;
    const ticket = await ticketFor('checked.mp4', bytes);
    const location = (await create(ticket, bytes.byteLength)).headers.get('location') ?? '';
    const [one, two] = [bytes.subarray(0, half), bytes.subarray(half)];
    expect((await send(location, ticket.token, 0, one, { 'upload-checksum': digest(one, 'sha1') })).status).toBe(204);
    const wrong = await send(location, ticket.token, half, two, { 'upload-checksum': digest(one, 'sha256') });
    expect(wrong.status).toBe(460);
    expect(await wrong.json()).toMatchObject({ error: { details: { code: 'upload-checksum-mismatch' } } });
    expect((await head(location, ticket.token)).headers.get('upload-offset')).toBe(String(half));
    const unknown = await send(location, ticket.token, half, two, { 'upload-checksum': digest(two, 'md5') });
    expect(unknown.status).toBe(400);
    expect(await unknown.json()).toMatchObject({ error: { details: { code: 'upload-checksum-invalid' } } });
    const last = await send(location, ticket.token, half, two, { 'upload-checksum': digest(two, 'sha256') });
    expect(last.status).toBe(204);
    const { assetId } = JSON.parse(last.headers.get('upload-result') ?? '');
    const asset = await app.strapi.plugin('protected-vod').service('asset').findById(assetId);
    expect(asset.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('Upload-Expires is when the part goes; it goes with its bytes, and one that is at work is spared', async () => {
    const uploads = app.strapi.plugin('protected-vod').service('resumable-upload');
    const rows = app.strapi.db.query('plugin::protected-vod.incoming-film');
    const [abandoned, waiting, working] = await Promise.all(
      ['abandoned.mp4', 'waiting.mp4', 'working.mp4'].map(async (name) => {
        const ticket = await ticketFor(name, Buffer.alloc(5));
        const created = await create(ticket, 5);
        const location = created.headers.get('location') ?? '';
        await send(location, ticket.token, 0, Buffer.from('123'));
        return {
          ...ticket,
          location,
          id: path.posix.basename(location),
          expires: created.headers.get('upload-expires'),
        };
      }),
    );
    // It is the end of the token, which was made before.
    const { exp } = decodeJwt(abandoned?.token ?? '');
    expect(Math.abs(Date.parse(abandoned?.expires ?? '') / 1000 - Number(exp))).toBeLessThanOrEqual(1);
    const past = { expiresAt: '1' };
    await rows.update({ where: { incomingId: abandoned?.id }, data: past });
    const held = { ...past, holder: 'a request', heldUntil: String(Date.now() + 60_000) };
    await rows.update({ where: { incomingId: working?.id }, data: held });

    // On any number of nodes at once.
    await Promise.all([uploads.sweep(), uploads.sweep(), uploads.sweep()]);
    const left = await incoming();
    expect(left.filter((name) => name.startsWith(abandoned?.id ?? ''))).toEqual([]);
    expect(left).toEqual(expect.arrayContaining([waiting?.id, working?.id]));
    expect((await head(abandoned?.location ?? '', abandoned?.token ?? '')).status).toBe(404);
    expect((await head(waiting?.location ?? '', waiting?.token ?? '')).headers.get('upload-offset')).toBe('3');
  });
});

describe('the fate of a film', () => {
  test('that was refused is told again, whatever the client asks, and nothing is sent twice', async () => {
    const bytes = Buffer.from('#EXTM3U\n');
    const ticket = await ticketFor('again.mp4', bytes);
    const location = (await create(ticket, bytes.byteLength)).headers.get('location') ?? '';
    const refused = await send(location, ticket.token, 0, bytes);
    const { error } = (await refused.json()) as { error: object };
    expect((await head(location, ticket.token)).status).toBe(422);
    const again = await create(ticket, bytes.byteLength);
    expect(again.status).toBe(422);
    expect(await again.json()).toMatchObject({ error });
  });

  test('that a failure of the database left open is decided when the client asks again', async () => {
    const bytes = clip();
    const ticket = await ticketFor('failed.mp4', bytes);
    const location = (await create(ticket, bytes.byteLength)).headers.get('location') ?? '';
    const heal = app.strapi.db.lifecycles.subscribe({
      models: ['plugin::upload.file'],
      beforeCreate() {
        throw new Error('connection lost');
      },
    });
    const failed = await send(location, ticket.token, 0, bytes);
    heal();
    expect(failed.status).toBe(500);
    expect(await failed.text()).not.toContain('connection lost');
    const { status, headers } = await head(location, ticket.token);
    expect([status, headers.get('upload-offset')]).toEqual([200, String(bytes.byteLength)]);
    const { fileId, assetId } = JSON.parse(headers.get('upload-result') ?? '');
    expect(await fileRow(fileId)).toMatchObject({ name: 'failed.mp4' });
    expect(await app.strapi.db.query('plugin::protected-vod.asset').count({ where: { fileName: 'failed.mp4' } })).toBe(
      1,
    );
    const asset = await app.strapi.plugin('protected-vod').service('asset').findById(assetId);
    expect((await readFile(path.join(app.storageRoot, asset.storageKey))).equals(bytes)).toBe(true);
    expect((await incoming()).filter((name) => name.startsWith(path.posix.basename(location)))).toEqual([]);
  });
});

test('a film that does not fit on the disk is refused before its first byte', async () => {
  const { room } = app.strapi.plugin('protected-vod').service('incoming-films');
  const demand = { fileName: 'huge.mp4', sizeBytes: 2 ** 50 };
  await expect(room.check(demand)).rejects.toMatchObject({ code: 'storage-full' });
  await expect(room.check({ ...demand, needsDisk: false })).resolves.toBeUndefined();
});

describe('S23 the upload token', () => {
  test('is only for admins who may add files', async () => {
    const reader = await createAdminWith(app, [{ action: 'plugin::upload.read' }]);
    expect((await askForTicket({ fileName: 'a.mp4', sizeBytes: 5 }, reader)).status).toBe(403);
    const nobody = await fetch(`${app.url}/protected-vod/uploads`, { method: 'POST' });
    expect(nobody.status).toBe(401);
  });

  test('is given for plausible requests only', async () => {
    const ask = async (body: object) => (await askForTicket(body)).status;
    expect(await ask({ fileName: 'a.mp4' })).toBe(400);
    expect(await ask({ fileName: 'a.mp4', sizeBytes: 0 })).toBe(400);
    expect(await ask({ fileName: '../../a.mp4', sizeBytes: 5 })).toBe(400);
    expect(await ask({ fileName: 'a.mp4', sizeBytes: 5, folderId: 999_999 })).toBe(400);
    expect(await ask({ fileName: 'a.mp4', sizeBytes: 100_000_001 })).toBe(413);
  });

  test('is needed for every request', async () => {
    const ticket = await ticketFor('a.mp4', Buffer.alloc(5));
    const location = (await create(ticket, 5)).headers.get('location') ?? '';
    expect((await create({ ...ticket, token: 'x.y.z' }, 5)).status).toBe(401);
    expect((await send(location, '', 0, Buffer.alloc(5))).status).toBe(401);
    expect((await head(location, `${ticket.token}x`)).status).toBe(401);
    expect((await head(location, admin.token)).status).toBe(401);
  });

  test('opens its own upload and no other', async () => {
    const mine = await ticketFor('mine.mp4', Buffer.alloc(5));
    const other = await ticketFor('other.mp4', Buffer.alloc(5));
    await create(mine, 5);
    const location = (await create(other, 5)).headers.get('location') ?? '';
    expect((await head(location, mine.token)).status).toBe(404);
    expect((await send(location, mine.token, 0, Buffer.from('12345'))).status).toBe(404);
    expect((await head(location, other.token)).headers.get('upload-offset')).toBe('0');
  });

  test('names the length: another Upload-Length and more bytes are refused', async () => {
    const ticket = await ticketFor('long.mp4', Buffer.alloc(5));
    expect((await create(ticket, 6)).status).toBe(400);
    expect((await create(ticket, 5, { 'upload-defer-length': '1' })).status).toBe(501);
    const location = (await create(ticket, 5)).headers.get('location') ?? '';
    expect((await send(location, ticket.token, 0, Buffer.alloc(6))).status).toBe(413);
  });

  test('names the length: a body that does not say how long it is ends there', async () => {
    const ticket = await ticketFor('endless.mp4', Buffer.alloc(1000));
    const location = (await create(ticket, 1000)).headers.get('location') ?? '';
    const endless = new ReadableStream<Uint8Array>({ pull: (sink) => sink.enqueue(new Uint8Array(300)) });
    const response = await fetch(app.url + location, {
      method: 'PATCH',
      headers: {
        ...TUS,
        'upload-token': ticket.token,
        'upload-offset': '0',
        'content-type': 'application/offset+octet-stream',
      },
      body: endless,
      ...({ duplex: 'half' } as object),
    });
    expect(response.status).toBe(413);
    const offset = Number((await head(location, ticket.token)).headers.get('upload-offset'));
    expect(offset).toBeLessThanOrEqual(1000);
    expect(await app.strapi.db.query('plugin::upload.file').count({ where: { name: 'endless.mp4' } })).toBe(0);
  });

  test.each(['-1', '1e3', '0x10', ' ', '5', '999999999999'])(
    'an Upload-Offset of “%s” changes nothing',
    async (offset) => {
      const ticket = await ticketFor('offset.mp4', Buffer.alloc(10));
      const location = (await create(ticket, 10)).headers.get('location') ?? '';
      const response = await send(location, ticket.token, 0, Buffer.alloc(5), { 'Upload-Offset': offset });
      expect([400, 403, 409]).toContain(response.status);
      expect((await head(location, ticket.token)).headers.get('upload-offset')).toBe('0');
    },
  );

  test('takes back an upload by DELETE', async () => {
    const ticket = await ticketFor('back.mp4', Buffer.alloc(5));
    const location = (await create(ticket, 5)).headers.get('location') ?? '';
    const id = path.posix.basename(location);
    const removed = await fetch(app.url + location, {
      method: 'DELETE',
      headers: { ...TUS, 'upload-token': ticket.token },
    });
    expect(removed.status).toBe(204);
    expect((await incoming()).filter((name) => name.startsWith(id))).toEqual([]);
  });

  test('is worth nothing once the admin lost the right: nothing is stored', async () => {
    const author = await createAdminWith(app, [{ action: UPLOAD_ACTION }]);
    const ticket = await ticketFor('late.mp4', clip(), author);
    const location = (await create(ticket, clip().byteLength)).headers.get('location') ?? '';
    await app.strapi.db.query('admin::user').update({ where: { id: author.id }, data: { isActive: false } });
    const response = await send(location, ticket.token, 0, clip());
    expect(response.status).toBe(403);
    expect((await incoming()).filter((name) => name.startsWith(path.posix.basename(location)))).toEqual([]);
    expect(await app.strapi.db.query('plugin::upload.file').count({ where: { name: 'late.mp4' } })).toBe(0);
  });
});

test('S23 GET is no method of the upload route, finished or not', async () => {
  const ticket = await ticketFor('get.mp4', clip());
  const location = (await create(ticket, clip().byteLength)).headers.get('location') ?? '';
  await send(location, ticket.token, 0, clip());
  for (const target of [location, ticket.endpoint, `${ticket.endpoint}/..%2f..%2flibrary%2fget.mp4`]) {
    const response = await fetch(app.url + target, { headers: { ...TUS, 'upload-token': ticket.token } });
    expect(response.status).toBe(405);
    expect(await response.text()).not.toContain('ftyp');
  }
  // tus 1.0.0 §4.1: other servers take the method from there.
  const headers = { ...TUS, 'upload-token': ticket.token, 'x-http-method-override': 'GET' };
  for (const [method, target] of [
    ['PATCH', location],
    ['POST', location],
    ['POST', ticket.endpoint],
  ] as const) {
    const response = await fetch(app.url + target, { method, headers });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(await response.text()).not.toContain('ftyp');
  }
});

test('the upload route is unknown to the roles editor', async () => {
  const actions = await app.strapi.plugin('users-permissions').service('users-permissions').getActions();
  expect(JSON.stringify(actions['plugin::protected-vod'] ?? {})).not.toContain('upload');
});

describe('tus-js-client', () => {
  test('uploads in chunks, is interrupted, and resumes where it stopped', async () => {
    const bytes = clip();
    const ticket = await ticketFor('resumed.mp4', bytes);
    const offsets: number[] = [];
    let result: string | undefined;
    const upload = (finish: (error: Error | null) => void, abortAfter: number) => {
      const client = new Upload(bytes, {
        endpoint: app.url + ticket.endpoint,
        headers: { 'Upload-Token': ticket.token },
        chunkSize: 4 * 1024 * 1024,
        retryDelays: null,
        uploadUrl: location,
        onAfterResponse: (request, response) => {
          result = response.getHeader('Upload-Result') ?? result;
          if (request.getMethod() === 'HEAD') offsets.push(Number(response.getHeader('Upload-Offset')));
        },
        onUploadUrlAvailable: () => {
          location = client.url;
        },
        onChunkComplete: (_size, accepted) => {
          if (accepted >= abortAfter) void client.abort().then(() => finish(null));
        },
        onSuccess: () => finish(null),
        onError: finish,
      });
      client.start();
    };
    let location: string | null = null;
    const run = (abortAfter: number) =>
      new Promise<void>((resolve, reject) => upload((error) => (error ? reject(error) : resolve()), abortAfter));
    await run(8 * 1024 * 1024);
    await run(Number.POSITIVE_INFINITY);
    expect(offsets[0]).toBeGreaterThanOrEqual(8 * 1024 * 1024);
    const { fileId } = JSON.parse(result ?? '{}') as { fileId: number };
    expect(await fileRow(fileId)).toMatchObject({ name: 'resumed.mp4' });
  });
});
