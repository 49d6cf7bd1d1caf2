import { describe, expect, it } from 'vitest';
import { dependencies } from '../../../../package.json';
import { judgePolicy } from '../../../../server/src/services/doctor/checks/admin-csp';
import { judgeClock } from '../../../../server/src/services/doctor/checks/clock';
import { judgeEncoders } from '../../../../server/src/services/doctor/checks/encoder';
import { judgeVersion } from '../../../../server/src/services/doctor/checks/ffmpeg';
import { judgeConfinement } from '../../../../server/src/services/doctor/checks/ingest';
import { judgeMediaServer } from '../../../../server/src/services/doctor/checks/media-server-pin';
import { judgeNode } from '../../../../server/src/services/doctor/checks/node-version';
import { judgeDevices } from '../../../../server/src/services/doctor/checks/storage-device';
import { judgeRoom } from '../../../../server/src/services/doctor/checks/storage-space';
import { VULNERABILITIES } from '../../../../server/src/services/doctor/ffmpeg-vulnerabilities';

const GIB = 1024 ** 3;

describe('node', () => {
  it.each([
    ['20.18.3', '2026-01-01', 'FAIL'],
    ['20.19.0', '2026-01-01', 'ok'],
    ['20.19.0', '2026-05-01', 'warn'],
    ['22.22.0', '2026-05-01', 'ok'],
    ['23.1.0', '2026-05-01', 'warn'],
    ['26.0.0', '2026-12-01', 'ok'],
  ])('%s on %s: %s', (version, today, verdict) => {
    expect(judgeNode(version, today).verdict).toBe(verdict);
  });
});

describe('node-media-server', () => {
  it('must be the one that is pinned', () => {
    expect(judgeMediaServer(dependencies['node-media-server']).verdict).toBe('ok');
    expect(judgeMediaServer('4.4.4')).toMatchObject({
      verdict: 'FAIL',
      advice: expect.stringContaining('npm install'),
    });
    expect(judgeMediaServer(null).verdict).toBe('FAIL');
  });
});

describe('ffmpeg', () => {
  it.each([
    ['9.0.2', 'ok', 0],
    ['8.1.3', 'ok', 0],
    ['8.1.2', 'FAIL', 1],
    ['8.1', 'FAIL', 2],
    ['7.1.5', 'FAIL', 2],
    ['6.1.6', 'FAIL', 1],
    ['5.1.5', 'FAIL', 3],
    // A distribution may have mended what it ships.
    ['5.1.9-0+deb12u1', 'warn', 2],
    ['n8.1.3', 'ok', 0],
    ['N-118000-g1234567', 'warn', 0],
  ])('%s: %s, %i known holes', (version, verdict, count) => {
    const { items = [], ...judgement } = judgeVersion('ffmpeg', version);
    expect({ verdict: judgement.verdict, count: items.length }).toEqual({ verdict, count });
    for (const item of items) expect(item).toMatch(/^CVE-\d{4}-\d+, .+: https:\/\//);
  });

  it('that is missing is a warning of what will be missing', () => {
    expect(judgeVersion('/opt/ffmpeg', null)).toMatchObject({
      verdict: 'warn',
      message: expect.stringMatching(/^\/opt\/ffmpeg does not run\. No posters/),
    });
  });

  it('has a source for every line of the list', () => {
    expect(VULNERABILITIES.filter(({ source }) => !source.startsWith('https://'))).toEqual([]);
  });
});

describe('confinement of ffmpeg', () => {
  it.each([
    [null, 'required', 'skipped', 0],
    [[], 'required', 'ok', 0],
    [['network', 'root'], 'best-effort', 'warn', 2],
    [['root'], 'required', 'FAIL', 1],
  ] as const)('without %j where it is %s: %s', (unconfined, confinement, verdict, count) => {
    const { items = [], ...judgement } = judgeConfinement(unconfined, confinement);
    expect({ verdict: judgement.verdict, count: items.length }).toEqual({ verdict, count });
  });
});

describe('encoders', () => {
  const none = { used: 'libx264', refused: [] } as const;
  const card = { used: 'h264_nvenc', refused: [] } as const;
  const lacking = { used: 'libx264', refused: [{ encoder: 'h264_nvenc', why: 'no-device' }] } as const;
  it.each([
    [[], 'auto', 'skipped', []],
    [[none], 'software', 'ok', []],
    [[card], 'auto', 'ok', []],
    [[card, lacking, lacking], 'auto', 'warn', [expect.stringMatching(/^h264_nvenc: .* no device for it$/)]],
  ] as const)('of %j where it is %s: %s', (reports, choice, verdict, lines) => {
    const judgement = judgeEncoders(
      reports.map((report) => ({ ...report, refused: [...report.refused] })),
      choice,
    );
    expect(judgement.verdict).toBe(verdict);
    expect(judgement.items ?? []).toEqual(lines);
    for (const { used } of reports) expect(judgement.message).toContain(used);
  });
});

describe('clock', () => {
  it.each([
    [0, 'ok'],
    [-1900, 'ok'],
    [5000, 'warn'],
    [-31_000, 'FAIL'],
  ])('%i ms ahead, with tokens of a minute: %s', (ahead, verdict) => {
    expect(judgeClock(ahead, 60).verdict).toBe(verdict);
  });
});

describe('storage', () => {
  it('areas on two file systems fail, by name', () => {
    const areas = (device: number) => [
      { name: 'library', device: 1 },
      { name: 'incoming', device },
      { name: 'trash', device: 1 },
    ];
    expect(judgeDevices(areas(1)).verdict).toBe('ok');
    expect(judgeDevices(areas(2))).toMatchObject({
      verdict: 'FAIL',
      message: expect.stringContaining('incoming and library'),
    });
  });

  it.each([
    [500, 1000, 0.5, 1, 'ok'],
    [40, 1000, 0.5, 1, 'warn'],
    [9, 20, null, 1, 'warn'],
    [0.5, 1000, 0.5, 1, 'FAIL'],
    [500, 1000, 0.001, 1, 'FAIL'],
    // What uploads may take is left over by `storage.minFreeBytes`.
    [105, 1000, 0.5, 100, 'warn'],
    [100, 1000, 0.5, 100, 'FAIL'],
    [15, 20, 0.5, 0, 'ok'],
  ])('%d of %d GiB free, inodes %s, %d GiB kept: %s', (free, total, freeFilesShare, kept, verdict) => {
    const room = { freeBytes: free * GIB, totalBytes: total * GIB, freeFilesShare, keptBytes: kept * GIB };
    expect(judgeRoom(room).verdict).toBe(verdict);
  });
});

describe('the policy of the admin panel', () => {
  const STRAPI = "default-src 'self';connect-src 'self' https:;media-src 'self' data: blob:;script-src 'self'";

  it('as Strapi sends it permits the player', () => {
    expect(judgePolicy(STRAPI, null, false)).toMatchObject([{ verdict: 'ok' }]);
  });

  it.each([
    ['there is none', null, null],
    ['media from blob: is not permitted', STRAPI.replace(' blob:', ''), null],
    ['films come from an origin that it does not name', STRAPI, 'https://films.example.org'],
    ['scripts may come from anywhere', STRAPI.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'"), null],
  ])('warns when %s', (_name, header, origin) => {
    expect(judgePolicy(header, origin, false)[0]?.verdict).toBe('warn');
  });

  it('may name the origin of the films', () => {
    const named = STRAPI.replace('blob:', 'blob: https://films.example.org');
    expect(judgePolicy(named, 'https://films.example.org', false)).toMatchObject([{ verdict: 'ok' }]);
  });
});
