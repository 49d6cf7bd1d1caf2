import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { playHls } from '../clients/hls.mjs';
import { clip } from '../support/clips';
import { publishVideo, uploadFilm } from '../support/films';
import { startIngestProcess } from '../support/ingest-process';
import { jobsOf } from '../support/ingest-worker';
import { isAlive } from '../support/is-alive';
import { uploadToMediaLibrary } from '../support/media-library';
import { mint } from '../support/minting';
import { PaddedFilm } from '../support/padded-film';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { processesIn, slowFfmpeg } from '../support/slow-ffmpeg';
import { mountSmallDisk } from '../support/small-disk';
import { FFMPEG } from '../support/tools';
import { askForOffset, createUpload, sendPiece, ticketFor } from '../support/tus-requests';
import { until, WORK_SECONDS } from '../support/until';

const MIB = 1024 ** 2;
const DISK_BYTES = 128 * MIB;
/** With the film that plays, and the segments of it, it would fit. */
const FILM = new PaddedFilm(48 * MIB);

const disk = mountSmallDisk(DISK_BYTES);

/** What one PATCH carries. */
function piece(from: number, to: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat([...FILM.piecesFrom(from)]).subarray(0, to - from));
}

describe.skipIf(!disk)('a disk that is full (tmpfs)', () => {
  let site: PlaybackSite;
  let video: string;

  const counts = async () => ({
    files: await site.app.strapi.db.query('plugin::upload.file').count({}),
    assets: await site.app.strapi.db.query('plugin::protected-vod.asset').count({}),
    library: (await readdir(path.join(disk?.path ?? '', 'storage/library'))).length,
  });
  const scratch = () => path.join(disk?.path ?? '', 'storage/ingest');
  /** Of the film that plays. */
  const oldestJob = async () => {
    const [job] = await site.app.strapi.db.query('plugin::protected-vod.ingest-job').findMany({ orderBy: 'id' });
    return job as { asset: string };
  };
  /** Of the renditions that are listed. */
  const resolutions = async () => {
    const playlist = await fetchOk(String((await mint(site.app, video, site.viewer.jwt)).urls.hls));
    return playlist.bytes.toString().match(/RESOLUTION=\d+x\d+/g) ?? [];
  };
  const segments = async () => playHls(String((await mint(site.app, video, site.viewer.jwt)).urls.hls));

  beforeAll(async () => {
    site = await startPlaybackSite({
      pluginConfig: {
        storage: { root: path.join(disk?.path ?? '', 'storage'), minFreeBytes: 0 },
        ingest: { mode: 'external', retrySeconds: 1, ladder: [240], preset: 'ultrafast' },
      },
    });
    video = await publishVideo(site.app, site.editor, { source: (await uploadFilm(site.app, site.editor)).id });
  });
  afterAll(async () => {
    await site?.app.stop();
    disk?.unmount();
  });

  it('in the middle of an upload: answers 507 with a sentence, lists nothing half-written, plays other films on, and goes on when there is room', async () => {
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

  it.skipIf(!FFMPEG)(
    'in the middle of a made file and of a rendition: makes nothing of a film while it is full, lists nothing half-made, plays on, and makes it afterwards',
    async () => {
      const tool = slowFfmpeg();
      const poster = async () => (await mint(site.app, video, site.viewer.jwt)).poster;
      const { asset } = await oldestJob();
      tool.dawdle();
      const worker = await startIngestProcess(site.app, {
        PROTECTED_VOD_STORAGE_ROOT: path.join(disk?.path ?? '', 'storage'),
        PROTECTED_VOD_FFMPEG: tool.path,
        PROTECTED_VOD_INGEST_POLL_SECONDS: '1',
      });
      try {
        await until('ffmpeg is at work', async () => (await processesIn(scratch())).some(isAlive));
        await disk?.fill();
        tool.hurry();
        const lacksRoom = async (wanted: string) =>
          (await jobsOf(site.app, asset)).some(({ kind, reason }) => kind === wanted && reason === 'disk-full');
        await until('both have failed', async () => (await lacksRoom('poster')) && (await lacksRoom('rung-240')));
        expect((await jobsOf(site.app, asset)).map(({ state }) => state)).not.toContain('done');
        expect(await poster()).toBeNull();
        const stored = await site.app.strapi.plugin('protected-vod').service('asset').findById(asset);
        expect(stored.derived ?? []).toEqual([]);
        await expect(readdir(path.join(disk?.path ?? '', 'storage', `${stored.storageKey}.vod`))).rejects.toThrow();
        expect((await segments()).length).toBeGreaterThan(0);
        expect(await resolutions()).toHaveLength(1);

        await disk?.empty();
        const isMade = async () => (await jobsOf(site.app, asset)).every(({ state }) => state === 'done');
        await until('all is made', isMade, WORK_SECONDS);
        await fetchOk((await poster()) ?? '');
        expect(await resolutions()).toHaveLength(2);
        expect(worker.output()).not.toContain('job could not be ended');
      } finally {
        await worker.stop('SIGTERM');
        tool.remove();
      }
    },
  );
});
