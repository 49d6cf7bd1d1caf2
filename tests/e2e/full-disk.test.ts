import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { playHls } from '../clients/hls.mjs';
import { clip } from '../support/clips';
import { publishVideo, uploadFilm } from '../support/films';
import { uploadToMediaLibrary } from '../support/media-library';
import { mint } from '../support/minting';
import { PaddedFilm } from '../support/padded-film';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { mountSmallDisk } from '../support/small-disk';
import { askForOffset, createUpload, sendPiece, ticketFor } from '../support/tus-requests';
import { until } from '../support/until';

const MIB = 1024 ** 2;
const DISK_BYTES = 128 * MIB;
/** With the film that plays, and the segments of it, it would fit. */
const FILM = new PaddedFilm(48 * MIB);

const disk = mountSmallDisk(DISK_BYTES);

/** What one PATCH carries. */
function piece(from: number, to: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat([...FILM.piecesFrom(from)]).subarray(0, to - from));
}

describe.skipIf(!disk)('a disk that is full in the middle of an upload (tmpfs)', () => {
  let site: PlaybackSite;
  let video: string;

  const counts = async () => ({
    files: await site.app.strapi.db.query('plugin::upload.file').count({}),
    assets: await site.app.strapi.db.query('plugin::protected-vod.asset').count({}),
    library: (await readdir(path.join(disk?.path ?? '', 'storage/library'))).length,
  });
  const segments = async () => playHls(String((await mint(site.app, video, site.viewer.jwt)).urls.hls));

  beforeAll(async () => {
    site = await startPlaybackSite({
      pluginConfig: { storage: { root: path.join(disk?.path ?? '', 'storage'), minFreeBytes: 0 } },
    });
    video = await publishVideo(site.app, site.editor, { source: (await uploadFilm(site.app, site.editor)).id });
  });
  afterAll(async () => {
    await site?.app.stop();
    disk?.unmount();
  });

  it('answers 507 with a sentence, lists nothing half-written, plays other films on, and goes on when there is room', async () => {
    const before = await counts();
    const ticket = await ticketFor(site.app, site.editor, { fileName: 'large.mp4', sizeBytes: FILM.sizeBytes });
    const location = (await createUpload(site.app, ticket, FILM.sizeBytes)).headers.get('location') ?? '';
    const upload = { location, token: ticket.token };
    const third = Math.floor(FILM.sizeBytes / 3);
    expect((await sendPiece(site.app, { ...upload, offset: 0, body: piece(0, third) })).status).toBe(204);

    const body = new TransformStream<Uint8Array, Uint8Array>();
    const writer = body.writable.getWriter();
    const sending = sendPiece(site.app, { ...upload, offset: third, body: body.readable });
    await writer.write(piece(third, 2 * third));
    const part = path.join(disk?.path ?? '', 'storage/incoming', path.basename(location));
    await until('bytes have come', async () => (await stat(part)).size > third);
    await disk?.fill();
    // The server answers, whatever else the client wanted to say.
    void writer.write(piece(2 * third, FILM.sizeBytes)).catch(() => undefined);
    const full = await sending;
    expect(full.status).toBe(507);
    const { error } = (await full.json()) as { error: { message: string; details: { code: string } } };
    expect(error.details.code).toBe('storage-full');
    expect(error.message).toMatch(/^The disk of this site is full/);
    const library = await uploadToMediaLibrary(site.app, site.editor, { name: 'small.mp4', bytes: clip() });
    expect([library.status, library.error.details.code]).toEqual([413, 'storage-full']);
    expect(library.error.message).toMatch(/^“small\.mp4” \(\d+\.\d MiB\) does not fit on the disk of this site/);
    expect(await counts()).toEqual(before);
    // Every segment is cut and sent, though none can be kept.
    expect(await disk?.freeBytes()).toBeLessThan(64 * 1024);
    expect((await segments()).length).toBeGreaterThan(0);

    await disk?.empty();
    const offset = Number((await askForOffset(site.app, location, ticket.token)).headers.get('upload-offset'));
    expect(offset).toBeGreaterThanOrEqual(third);
    const last = await sendPiece(site.app, { ...upload, offset, body: piece(offset, FILM.sizeBytes) });
    expect(last.status).toBe(204);
    const { assetId } = JSON.parse(last.headers.get('upload-result') ?? '');
    const asset = await site.app.strapi.plugin('protected-vod').service('asset').findById(assetId);
    expect(asset.sha256).toBe(FILM.sha256());
    expect(await counts()).toMatchObject({ files: before.files + 1, assets: before.assets + 1 });
    await fetchOk(String((await mint(site.app, video, site.viewer.jwt)).urls.hls));
  });
});
