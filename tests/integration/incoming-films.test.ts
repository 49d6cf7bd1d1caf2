import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { clip } from '../support/clips';
import { uploadToMediaLibrary } from '../support/media-library';
import { describeTwoNodes } from '../support/second-node';
import { type AdminAccount, createAdmin } from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';
import { askForOffset, askForTicket, createUpload, sendPiece, takeBack, ticketFor } from '../support/tus-requests';
import { until } from '../support/until';

const INCOMING_UID = 'plugin::protected-vod.incoming-film';
const ASSET_UID = 'plugin::protected-vod.asset';
const MB = 1_000_000;
const QUOTA_BYTES = 60 * MB;

let app: StrapiApp;
let admin: AdminAccount;

const incomingFilms = () => app.strapi.plugin('protected-vod').service('incoming-films');
const incomingRow = (id: string) => app.strapi.db.query(INCOMING_UID).findOne({ where: { incomingId: id } });
const idOf = (location: string) => location.slice(location.lastIndexOf('/') + 1);
const film = (sizeBytes: number) => ({ fileName: 'film.mp4', sizeBytes });

async function begin(node: { url: string }, sizeBytes: number): Promise<{ location: string; token: string }> {
  const ticket = await ticketFor(node, admin, film(sizeBytes));
  const created = await createUpload(node, ticket, sizeBytes);
  expect(created.status).toBe(201);
  return { location: created.headers.get('location') ?? '', token: ticket.token };
}

beforeAll(async () => {
  app = await startStrapiApp({
    pluginConfig: { streamer: { mode: 'external' }, storage: { quotaBytes: QUOTA_BYTES, minFreeBytes: 0 } },
  });
  admin = await createAdmin(app);
});
afterAll(() => app.stop());
beforeEach(async () => {
  await app.strapi.db.query(INCOMING_UID).deleteMany({});
  await app.strapi.db.query(ASSET_UID).deleteMany({});
});

/** Tickets were given to all of them: only who begins first gets the room. */
async function raceForRoom(nodes: { url: string }[]): Promise<void> {
  const racers = Array.from({ length: 8 }, (_, at) => nodes[at % nodes.length] ?? app);
  const tickets = await Promise.all(racers.map((node) => ticketFor(node, admin, film(25 * MB))));
  const answers = await Promise.all(tickets.map((ticket, at) => createUpload(racers[at] ?? app, ticket, 25 * MB)));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 507, 507, 507, 507, 507, 507]);
}

describe('S23 the quota', () => {
  test('is reserved when an upload begins, however many begin at once', async () => {
    await raceForRoom([app]);
    const refused = await askForTicket(app, admin, film(25 * MB));
    expect(refused.status).toBe(507);
    expect(await refused.json()).toMatchObject({
      error: {
        status: 507,
        message: '“film.mp4” (23.8 MiB) does not fit: of 57.2 MiB for films 47.7 MiB are taken.',
        details: { code: 'storage-quota-exceeded' },
      },
    });
  });

  test('is free again when an upload is taken back, and asked for once where creation is repeated', async () => {
    const ticket = await ticketFor(app, admin, film(50 * MB));
    const [first, again] = [await createUpload(app, ticket, 50 * MB), await createUpload(app, ticket, 50 * MB)];
    expect([first.status, again.status]).toEqual([201, 201]);
    expect((await askForTicket(app, admin, film(25 * MB))).status).toBe(507);
    expect((await takeBack(app, first.headers.get('location') ?? '', ticket.token)).status).toBe(204);
    await begin(app, 50 * MB);
  });

  test('counts a film once, when it is stored, also one that came through the Media Library', async () => {
    const bytes = clip();
    const upload = await begin(app, bytes.byteLength);
    expect((await sendPiece(app, { ...upload, offset: 0, body: new Uint8Array(bytes) })).status).toBe(204);
    expect((await uploadToMediaLibrary(app, admin, { name: 'second.mp4', bytes })).status).toBe(201);
    const refused = await uploadToMediaLibrary(app, admin, { name: 'third.mp4', bytes });
    expect([refused.status, refused.error.details.code]).toEqual([413, 'storage-quota-exceeded']);
    expect(QUOTA_BYTES - 2 * bytes.byteLength).toBeGreaterThan(0);
    await begin(app, QUOTA_BYTES - 2 * bytes.byteLength);
    expect(await app.strapi.db.query(INCOMING_UID).count({ where: { fate: { $null: true } } })).toBe(1);
  });
});

describe('work on an upload', () => {
  test('is done by one at a time; who is lost is waited for no longer than the lease', async () => {
    const { leases } = incomingFilms();
    const id = idOf((await begin(app, 5)).location);
    const outcomes = await Promise.all(['one', 'two', 'three'].map((mark) => leases.take(id, mark)));
    expect(outcomes.toSorted()).toEqual(['held', 'held', 'taken']);
    const { holder } = await incomingRow(id);
    expect(await leases.renew(id, holder)).toBe('held');
    await leases.want(id);
    expect(await leases.renew(id, holder)).toBe('wanted');
    await app.strapi.db.query(INCOMING_UID).update({ where: { incomingId: id }, data: { heldUntil: '1' } });
    expect(await leases.take(id, 'next')).toBe('taken');
    expect(await leases.renew(id, holder)).toBe('lost');
    await leases.release(id, holder);
    expect((await incomingRow(id)).holder).toBe('next');
    expect(await leases.take('f'.repeat(32), 'next')).toBe('missing');
  });

  test('ends when another request wants it: a connection that hangs keeps nobody waiting', async () => {
    const upload = await begin(app, 10);
    const hangs = new TransformStream<Uint8Array>();
    const writer = hangs.writable.getWriter();
    void writer.write(Buffer.from('12345'));
    const hanging = sendPiece(app, { ...upload, offset: 0, body: hangs.readable }).catch((error: unknown) => error);
    await until('it is at work', async () => (await incomingRow(idOf(upload.location))).holder !== null);
    const part = path.join(app.storageRoot, 'incoming', idOf(upload.location));
    await until('bytes have come', async () => (await stat(part)).size === 5);
    const head = await askForOffset(app, upload.location, upload.token);
    expect(head.status).toBe(200);
    const offset = Number(head.headers.get('upload-offset'));
    expect(offset).toBe(5);
    const rest = await sendPiece(app, { ...upload, offset, body: Buffer.from('1234567890').subarray(offset) });
    // All ten bytes are there; they are no film.
    expect(rest.status).toBe(422);
    await writer.abort().catch(() => undefined);
    await hanging;
  });
});

test('a request that the database keeps from being answered is answered with 500, and not never', async () => {
  const upload = await begin(app, 5);
  const [table, aside] = ['protected_vod_incoming_films', 'set_aside'];
  const rename = (from: string, to: string) => app.strapi.db.connection.schema.renameTable(from, to);
  await rename(table, aside);
  try {
    expect((await askForOffset(app, upload.location, upload.token)).status).toBe(500);
    const broken = await sendPiece(app, { ...upload, offset: 0, body: '12345' });
    expect(broken.status).toBe(500);
    expect(await broken.text()).not.toContain(table);
  } finally {
    await rename(aside, table);
  }
  expect((await askForOffset(app, upload.location, upload.token)).headers.get('upload-offset')).toBe('0');
});

describeTwoNodes('two nodes', (second) => {
  test('S23 give no more room than there is', () => raceForRoom([app, second]));

  test('take an upload over from one another, and its hash is that of the whole', async () => {
    const bytes = clip();
    const upload = await begin(app, bytes.byteLength);
    const size = Math.ceil(bytes.byteLength / 4);
    let last: Response | undefined;
    for (let part = 0; part < 4; part += 1) {
      const body = new Uint8Array(bytes.subarray(part * size, (part + 1) * size));
      last = await sendPiece(part % 2 === 0 ? app : second, { ...upload, offset: part * size, body });
      expect(last.status).toBe(204);
    }
    const { assetId } = JSON.parse(last?.headers.get('upload-result') ?? '');
    const asset = await app.strapi.plugin('protected-vod').service('asset').findById(assetId);
    expect(asset.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    for (const node of [app, second]) {
      const head = await askForOffset(node, upload.location, upload.token);
      expect(JSON.parse(head.headers.get('upload-result') ?? '')).toMatchObject({ assetId });
    }
  });

  test('let go of an upload that the other one is asked for', async () => {
    const upload = await begin(app, 10);
    const hangs = new TransformStream<Uint8Array>();
    const writer = hangs.writable.getWriter();
    void writer.write(Buffer.from('12345'));
    const hanging = sendPiece(second, { ...upload, offset: 0, body: hangs.readable }).catch((error: unknown) => error);
    await until('it is at work', async () => (await incomingRow(idOf(upload.location))).holder !== null);
    const head = await askForOffset(app, upload.location, upload.token);
    expect(head.status).toBe(200);
    expect((await incomingRow(idOf(upload.location))).holder).toBeNull();
    await writer.abort().catch(() => undefined);
    await hanging;
  });
});
