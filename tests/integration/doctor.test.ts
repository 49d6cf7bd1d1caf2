import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, copyFile, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type DoctorSite, type Finding, startDoctorSite } from '../support/doctor-site';
import { CLIP } from '../support/films';
import { freePort } from '../support/free-port';
import { callJobs } from '../support/ingest-worker';
import { SECRET_NAMES } from '../support/site-secrets';
import { findSiteRole, grantPermission } from '../support/strapi-accounts';
import { until } from '../support/until';

const FILE_UID = 'plugin::upload.file';

let site: DoctorSite;

beforeAll(async () => {
  site = await startDoctorSite();
});
afterAll(() => site.stop());

/** The checks that fail now, each with the first that it said. */
async function failures(): Promise<Record<string, Finding>> {
  const failed: Record<string, Finding> = {};
  for (const finding of await site.examine()) if (finding.verdict === 'FAIL') failed[finding.check] ??= finding;
  return failed;
}

const streamer = () => site.app.strapi.plugin('protected-vod').service('streamer');
const inPublic = (name: string) => path.join(site.publicDirectory, name);

describe('protected-vod doctor on a healthy site', () => {
  it('says ok to every check, exits with 0, and prints no secret', async () => {
    await until('the streamer has synced', async () => {
      const found = await site.examine();
      return found.some(({ check, verdict }) => check === 'streamer' && verdict === 'ok');
    });
    const { code, out, err } = await site.doctor();
    expect({ code, err }, out).toEqual({ code: 0, err: '' });
    const healthy = [
      'node-media-server',
      'secret',
      'database',
      'storage-root',
      'storage-permissions',
      'storage-device',
    ];
    const public_ = ['addresses', 'rtmp', 'strapi', 'streamer', 'admin-csp', 'public-films', 'public-directory'];
    for (const check of [...healthy, ...public_, 'leak-hunt']) expect(out).toMatch(new RegExp(`^ok {7}${check} `, 'm'));
    expect(out).toMatch(/leak-hunt +\d{2,} requests at 4 places for 1 of 1 films: all refused, no byte of a film\n/);
    expect(out).toMatch(/\n\d+ ok, \d+ warnings, 0 failed, \d+ skipped\n$/);
    for (const name of SECRET_NAMES) expect(out).not.toContain(process.env[name]);
  });

  it('changes nothing: not even what has expired goes', async () => {
    const { strapi, storageRoot } = site.app;
    // Until the end of this test, nobody else may remove it either.
    strapi.cron.remove('protected-vod-uploads');
    const incomingId = 'f'.repeat(32);
    const rows = strapi.db.query('plugin::protected-vod.incoming-film');
    await rows.create({ data: { incomingId, sizeBytes: '3', expiresAt: '1' } });
    const part = path.join(storageRoot, 'incoming', incomingId);
    await writeFile(part, '123');
    await site.doctor();
    expect(await readFile(part, 'utf8')).toBe('123');
    await strapi.plugin('protected-vod').service('resumable-upload').sweep();
    expect([existsSync(part), await rows.count({ where: { incomingId } })]).toEqual([false, 0]);
  });

  it('says what it skipped where no Strapi answers; --json prints the same', async () => {
    const { code, out } = await site.doctor(['--json', '--url', `http://127.0.0.1:${await freePort()}`]);
    expect(code).toBe(0);
    const { count, findings } = JSON.parse(out) as { count: Record<string, number>; findings: Finding[] };
    const skipped = findings.filter(({ verdict }) => verdict === 'skipped').map(({ check }) => check);
    expect(skipped).toEqual(expect.arrayContaining(['strapi', 'streamer', 'admin-csp', 'leak-hunt']));
    expect(count).toMatchObject({ FAIL: 0, skipped: skipped.length });
  });
});

describe('protected-vod doctor', () => {
  it('tells which encoder is used, and why not another', async () => {
    const encoder = { used: 'libx264', refused: [{ encoder: 'h264_nvenc', why: 'no-device' }] };
    const worker = randomUUID();
    const response = await callJobs(site.app, 'claim', { worker, kinds: [], lacking: null, unconfined: [], encoder });
    expect(response.status).toBe(200);
    const found = (await site.examine()).find(({ check }) => check === 'encoder');
    expect(found).toMatchObject({ verdict: 'warn', message: expect.stringContaining('libx264') });
    expect(found?.items).toEqual([expect.stringMatching(/^h264_nvenc: .*no device/)]);
  });
});

describe('protected-vod doctor fails with 1', () => {
  it('when secret, addresses and RTMP are not fit for use, each with what to do', async () => {
    const streamerConfig = {
      publicUrl: 'http://films.invalid',
      trustedProxies: ['0.0.0.0/0'],
      rtmp: { host: '0.0.0.0', publicUrl: 'rtmp://films.invalid' },
    };
    const { code, out } = await site.doctor([], {
      PROTECTED_VOD_SECRET: 'toBeModified',
      PROTECTED_VOD_TEST_CONFIG: JSON.stringify({
        storage: { root: site.app.storageRoot },
        streamer: streamerConfig,
        ingest: { ffmpeg: 'bin/no-ffmpeg' },
      }),
    });
    expect(code).toBe(1);
    expect(out).toMatch(/^FAIL {5}secret +A value of PROTECTED_VOD_SECRET is a template value\./m);
    expect(out).toMatch(/^FAIL {5}addresses +streamer.publicUrl is http:\/\/films.invalid: .*\n +→ Use https/m);
    expect(out).toMatch(/^FAIL {5}addresses +streamer.trustedProxies trusts 0\.0\.0\.0\/0/m);
    expect(out).toMatch(/^FAIL {5}rtmp +Viewers are sent to rtmp:\/\/films.invalid/m);
    expect(out).toMatch(/^FAIL {5}rtmp +Plain RTMP on 0\.0\.0\.0 is refused/m);
    // Where the worker looks, not on the PATH.
    expect(out).toMatch(/^warn {5}ffmpeg +\/\S+\/bin\/no-ffmpeg does not run\./m);
    // Not the secret that the running Strapi has.
    expect(out).toMatch(/^FAIL {5}strapi +What answers at .* does not tell its state/m);
    expect(out).toMatch(/^warn {5}leak-hunt +Some addresses do not answer from here\.\n +- http:\/\/films.invalid$/m);
    expect(out).toMatch(/ [5-9] failed/);
  });

  it('when the storage root lies in public/, which keeps Strapi from starting', async () => {
    const config = { storage: { root: inPublic('films') } };
    const { code, out } = await site.doctor([], { PROTECTED_VOD_TEST_CONFIG: JSON.stringify(config) });
    expect(code, out).toBe(1);
    expect(out).toMatch(
      /^FAIL {5}start +Strapi cannot be loaded, .*storage\.root must not overlap the public directory/,
    );
    await rm(inPublic('films'), { recursive: true });
  });

  it('when other users may enter the storage root', async () => {
    onTestFinished(() => chmod(site.app.storageRoot, 0o700));
    await chmod(site.app.storageRoot, 0o755);
    expect(await failures()).toMatchObject({
      'storage-permissions': {
        message: expect.stringContaining('0755'),
        advice: expect.stringContaining('chmod 0700'),
      },
    });
    const { code, out } = await site.doctor();
    expect(code).toBe(1);
    expect(out).toMatch(/^FAIL {5}storage-permissions /m);
  });

  it('when the streamer has stopped', async () => {
    await streamer().stop();
    expect(await failures()).toMatchObject({ streamer: { message: expect.stringContaining('STOPPED') } });
    streamer().start();
    await until('the streamer runs again', () => streamer().status()?.state === 'RUNNING');
  });

  it('S22 when a film of the Media Library is public since before', async () => {
    const file = {
      name: 'Old film.mp4',
      hash: 'old',
      ext: '.mp4',
      mime: 'video/mp4',
      size: 1,
      url: '/uploads/old.mp4',
    };
    const data = { ...file, folderPath: '/', provider: 'local' };
    const { id } = await site.app.strapi.db.query(FILE_UID).create({ data });
    onTestFinished(async () => {
      await site.app.strapi.db.query(FILE_UID).delete({ where: { id } });
    });
    const found = await failures();
    expect(Object.keys(found)).toEqual(['public-films']);
    expect(found['public-films']?.items).toEqual(['Old film.mp4: /uploads/old.mp4']);
  });
});

describe('the leak hunt finds', () => {
  it('a film that was copied to public/uploads, over HTTP by its name', async () => {
    const name = path.basename(CLIP);
    onTestFinished(() => rm(inPublic(`uploads/${name}`)));
    await copyFile(CLIP, inPublic(`uploads/${name}`));
    const found = await failures();
    expect(Object.keys(found)).toEqual(['public-directory', 'leak-hunt']);
    expect(found['leak-hunt']?.items).toEqual([`GET ${site.app.url}/uploads/${name}: 200, video/mp4`]);
  });

  it('a copy under any other name, on the disk', async () => {
    onTestFinished(() => rm(inPublic('holiday.bin')));
    await copyFile(CLIP, inPublic('holiday.bin'));
    const found = await failures();
    expect(found['public-directory']?.items).toEqual([`holiday.bin: a copy of ${path.basename(CLIP)}`]);
  });

  it('a link that leads to the storage root, on the disk and over HTTP', async () => {
    onTestFinished(() => rm(inPublic('library')));
    await symlink(path.join(site.app.storageRoot, 'library'), inPublic('library'));
    const found = await failures();
    expect(found['public-directory']?.items).toEqual([`library → ${site.app.storageRoot}/library`]);
    expect(found['leak-hunt']?.items).toEqual([
      expect.stringMatching(/^GET .*\/library\/.*\.mp4: 200, video\/mp4$/),
      expect.stringMatching(/^GET .*\/library\/.*\.vod\.json: 200, application\/json/),
    ]);
  });

  it('a web server before Strapi that hands out the storage root', async () => {
    const front = createServer((request, response) => {
      const file = path.join(site.app.storageRoot, decodeURIComponent(request.url ?? ''));
      readFile(file).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      );
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    const origin = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const before: unknown = site.app.strapi.config.get('server.url');
    site.app.strapi.config.set('server.url', origin);
    onTestFinished(() => {
      site.app.strapi.config.set('server.url', before);
      front.close();
    });
    const found = await failures();
    expect(Object.keys(found)).toEqual(['leak-hunt']);
    expect(found['leak-hunt']?.items).toContainEqual(`GET ${origin}/library/${path.basename(CLIP)}: 200, no type`);
  });

  it('a Media Library that anybody may list, and warns', async () => {
    const role = await findSiteRole(site.app, 'public');
    await grantPermission(site.app, role, 'plugin::upload.content-api.find');
    const warnings = (await site.examine()).filter(({ verdict }) => verdict === 'warn');
    expect(warnings).toContainEqual(
      expect.objectContaining({ check: 'leak-hunt', items: [`GET ${site.app.url}/api/upload/files`] }),
    );
  });
});
