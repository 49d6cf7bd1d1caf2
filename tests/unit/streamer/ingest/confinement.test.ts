import { access, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Confinement, probeConfinement } from '../../../../streamer/src/ingest/tools/confinement';
import { inputOptions, sniffFilm } from '../../../../streamer/src/ingest/tools/film-input';
import { type Bounds, processorSecondsOf } from '../../../../streamer/src/ingest/tools/layers';
import { runTool } from '../../../../streamer/src/ingest/tools/run-tool';
import { createToolbox } from '../../../../streamer/src/ingest/tools/toolbox';
import { CLIP_PATH } from '../../../support/clips';
import { isAlive } from '../../../support/is-alive';
import { processesIn } from '../../../support/slow-ffmpeg';
import { FFMPEG } from '../../../support/tools';
import { until } from '../../../support/until';

const MIB = 1024 ** 2;

let root: string;
let cwd: string;
let bounds: Bounds;
beforeAll(async () => {
  root = await realpath(await mkdtemp(path.join(tmpdir(), 'protected-vod-confined-')));
  cwd = path.join(root, 'ingest');
  await mkdir(cwd);
  bounds = { memoryBytes: 1024 * MIB, seconds: 30, fileBytes: 16 * MIB, cwd, root, reads: [] };
});
afterAll(() => rm(root, { recursive: true }));

const bare: Confinement = { wrap: (command) => [...command], layers: [], missing: [] };

describe('confinement', () => {
  it('without the programs that it needs, leaves the tool bare and names what is missing', async () => {
    const confinement = await probeConfinement({ sample: ['/bin/true'], bounds, searchPath: '/nowhere' });
    expect(confinement.layers).toEqual([]);
    expect(confinement.missing).toHaveLength(6);
    expect(confinement.wrap(['/bin/true', '-x'], bounds)).toEqual(['/bin/true', '-x']);
  });

  it('leaves a layer out that does not hold here', async () => {
    // A sample that no layer lets through: whatever is put around it fails.
    const confinement = await probeConfinement({ sample: ['/bin/false'], bounds });
    expect(confinement.layers).toEqual([]);
  });
});

describe.skipIf(!FFMPEG)('ffmpeg', () => {
  const ffmpeg = FFMPEG ?? '';
  let confinement: Confinement;

  beforeAll(async () => {
    confinement = await probeConfinement({ sample: [ffmpeg, '-version'], bounds });
  });

  const run = (args: string[], more: Partial<Bounds> = {}, around = confinement) => {
    const own = { ...bounds, ...more };
    const command = around.wrap([ffmpeg, '-nostdin', '-y', '-v', 'error', ...args], own);
    return runTool({ command, cwd, maxSeconds: 60, processorSeconds: processorSecondsOf(own.seconds) });
  };

  it('T24 is bounded in memory: what needs more fails, and what needs less does not', async ({ skip }) => {
    skip(!confinement.layers.includes('limits'), 'prlimit is missing');
    // 25 pictures a second of 24 MB each, held at one time.
    const held = (seconds: string) =>
      run(['-f', 'lavfi', '-t', seconds, '-i', 'color=size=4096x4096,negate', '-vf', 'reverse', '-f', 'null', '-'], {
        memoryBytes: 400 * MIB,
      });
    await expect(held('2')).rejects.toMatchObject({
      reason: 'tool-memory',
    });
    await held('0.2');
  });

  it('T24 is bounded in what it writes and in processor time', async ({ skip }) => {
    skip(!confinement.layers.includes('limits'), 'prlimit is missing');
    const endless = ['-f', 'lavfi', '-i', 'testsrc2=size=1280x720', '-c:v', 'rawvideo', '-f', 'rawvideo'];
    await expect(run([...endless, 'file:large'], { fileBytes: MIB })).rejects.toThrow();
    await expect(run([...endless, '/dev/null'], { seconds: 0.5 })).rejects.toMatchObject({
      reason: 'tool-timeout',
    });
  });

  describe('S24, T21 opens no connection', () => {
    let connections = 0;
    const listener = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    let url: string;

    beforeAll(async () => {
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
    });
    afterAll(() => new Promise((resolve) => listener.close(resolve)));

    const playlists: Record<string, () => string> = {
      HLS: () => `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${url}/1.ts\n#EXT-X-ENDLIST\n`,
      DASH: () =>
        `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>${url}/1.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`,
      concat: () => `ffconcat version 1.0\nfile '${url}/1.mp4'\n`,
    };

    it.each(Object.keys(playlists))('for a film that is %s in truth: it is not even given to it', async (name) => {
      const file = path.join(cwd, `${name}.mp4`);
      await writeFile(file, playlists[name]?.() ?? '');
      await expect(sniffFilm(file)).rejects.toMatchObject({ reason: 'source-refused', isFinal: true });
      // And if it were, read as what it is not, or as what it is.
      for (const demuxer of ['mov', 'hls', 'dash', 'concat']) {
        const film = inputOptions({ path: file, demuxer }, ['h264']);
        for (const around of [confinement, bare]) {
          await expect(run([...film, '-f', 'null', '-'], {}, around)).rejects.toThrow();
        }
      }
      expect(connections).toBe(0);
    });

    it('for a film that begins like one and names an address as its path', async () => {
      // Bare: nothing but what it is told keeps it from there.
      const around = createToolbox({ ffmpeg, confinement: bare, root, memoryBytes: 1024 * MIB, maxSeconds: 30 });
      const { signal } = new AbortController();
      await expect(around.probe({ path: `${url}/film.mp4`, demuxer: 'mov' }, [], { cwd, signal })).rejects.toThrow();
      expect(connections).toBe(0);
    });

    it('in its network namespace, where it is asked for one', async ({ skip }) => {
      skip(!confinement.layers.includes('network'), 'no network namespace can be made here');
      await expect(run(['-i', `${url}/film.mp4`, '-f', 'null', '-'])).rejects.toThrow();
      expect(connections).toBe(0);
      // The same, but for the namespace.
      await expect(run(['-i', `${url}/film.mp4`, '-f', 'null', '-'], {}, bare)).rejects.toThrow();
      expect(connections).toBeGreaterThan(0);
    });
  });

  const write = (target: string, around = confinement) =>
    run(['-f', 'lavfi', '-i', 'color=size=16x16', '-frames:v', '1', '-f', 'rawvideo', `file:${target}`], {}, around);

  it('S24 writes to its own directory, and to no other place', async ({ skip }) => {
    skip(!confinement.layers.includes('root'), 'no root of its own can be had here');
    const film = path.join(root, 'film.mp4');
    await writeFile(film, 'a film');
    await write('mine');
    await write(path.join(cwd, 'mine too'));
    for (const target of [path.join(root, 'new'), '../new', '/new', '/usr/lib/new']) {
      await expect(write(target), target).rejects.toThrow(/Read-only file system/);
    }
    await expect(write(film)).rejects.toThrow(/Read-only file system/);
    await expect(write('/tmp/new')).rejects.toThrow(/Read-only file system|No such file/);
    expect(await readFile(film, 'utf8')).toBe('a film');
    await access(path.join(cwd, 'mine too'));
    // What is around it is as it was.
    await writeFile(path.join(root, 'ours'), '');
  });

  it('S24 without a root of its own, still writes to no other place of the storage', async ({ skip }) => {
    // Where `pivot_root` is not found.
    const searchPath = '/usr/bin:/bin';
    const lesser = await probeConfinement({ sample: [ffmpeg, '-version'], bounds, searchPath });
    skip(!lesser.layers.includes('files'), 'no mount namespace can be made here');
    expect(lesser.missing.map(({ layer }) => layer)).toEqual(['root']);
    const film = path.join(root, 'film.mp4');
    await writeFile(film, 'a film');
    await write('mine', lesser);
    for (const target of [film, path.join(root, 'new'), '../new', '/proc/self/cwd/../new']) {
      await expect(write(target, lesser), target).rejects.toThrow(/Read-only file system/);
    }
    expect(await readFile(film, 'utf8')).toBe('a film');
  });

  it('S24 has no capability left, and can get none, where the kernel shows it', async ({ skip }) => {
    skip(!confinement.layers.includes('privileges'), 'setpriv is missing');
    // Without a root of its own it sees `/proc`.
    const lesser = await probeConfinement({ sample: [ffmpeg, '-version'], bounds, searchPath: '/usr/bin:/bin' });
    const command = lesser.wrap(['/bin/grep', '-E', '^(Cap|NoNewPrivs)', '/proc/self/status'], bounds);
    const status = await runTool({ command, cwd, maxSeconds: 60 });
    expect(
      status
        .trim()
        .split('\n')
        .map((line) => line.split(/:\s+/)),
    ).toEqual([
      ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => [set, '0'.repeat(16)]),
      ['NoNewPrivs', '1'],
    ]);
  });

  describe('in a root of its own', () => {
    const sh = (script: string, { signal, ...more }: Partial<Bounds> & { signal?: AbortSignal } = {}) => {
      const command = confinement.wrap(['/bin/sh', '-c', script], { ...bounds, ...more });
      return runTool({ command, cwd, maxSeconds: 60, ...(signal && { signal }) });
    };
    beforeEach(({ skip }) => skip(!confinement.layers.includes('root'), 'no root of its own can be had here'));

    it('S24 reads the film, its own directory and the system’s libraries, and nothing else of the machine', async () => {
      const film = path.join(root, "li'brary", 'ä film\n"$(touch x)`.mp4');
      await mkdir(path.dirname(film), { recursive: true });
      await writeFile(film, 'this film');
      await writeFile(path.join(root, "li'brary", 'another.mp4'), 'another');
      const reads = [film];
      expect(await sh(`find '${root}' -type f -path '*brary*' -exec cat {} +`, { reads })).toBe('this film');
      expect((await sh('ls /')).split('\n').filter(Boolean)).toEqual(
        expect.arrayContaining(['bin', 'dev', 'etc', 'lib', 'usr']),
      );
      for (const place of ['/proc/*', '/old/*', '/home', '/root', '/sys', '/etc/passwd', process.cwd(), __filename]) {
        await expect(sh(`ls -d ${place}`), place).rejects.toThrow(/No such file/);
      }
      expect(await sh('ls /usr')).not.toMatch(/^src$/m);
    });

    it('has the devices that it is to use, and no other', async () => {
      // One that every machine has, in place of a card.
      const hardware = { devices: ['/dev/zero'], libraries: [ffmpeg] };
      expect(await sh('ls /dev')).toBe('null\n');
      expect(await sh('ls /dev && head -c 3 /dev/zero | wc -c', { hardware })).toBe('null\nzero\n3\n');
      await expect(sh('ls /dev/zero/..', { hardware: { devices: ['/dev/no-card'], libraries: [] } })).rejects.toThrow();
    });

    it('sees no process but those that it has started, and keeps none beyond its end', async () => {
      const runaway = '/usr/bin/setsid /bin/sh -c "trap : TERM HUP; while :; do sleep 1; done" &';
      const controller = new AbortController();
      const living = async () => (await processesIn(cwd)).filter(isAlive).length;
      const running = sh(`${runaway} sleep 600`, { signal: controller.signal });
      // Shell around it, shell, the two that it has started, and what the one of them waits for.
      await until('it runs', async () => (await living()) >= 5);
      controller.abort(new Error('enough'));
      await expect(running).rejects.toThrow('enough');
      await until('none is left', async () => (await living()) === 0);
      // Nor when it ends by itself.
      await sh(`${runaway} echo`);
      await until('none is left', async () => (await living()) === 0);
      expect(Number(await sh('echo $$'))).toBeLessThan(100);
    });

    it('has neither environment nor privileges, and its signals and statuses come through', async () => {
      expect(await sh('/usr/bin/env -u PWD -u OLDPWD -u SHLVL -u _')).toBe('');
      await expect(sh('mount -t tmpfs none /old')).rejects.toThrow();
      expect(await sh('/usr/bin/setpriv --dump')).toMatch(/^no_new_privs: 1$/m);
      await expect(sh('exit 3')).rejects.toThrow(/exit status 3/);
      await expect(sh('kill -KILL $$')).rejects.toMatchObject({ reason: 'tool-killed', isFinal: false });
    });
  });

  it('T22 decodes nothing that is not on its list, and no picture that is too large', async () => {
    const film = await sniffFilm(CLIP_PATH);
    const decode = (decoders: string[], maxPixels?: number) =>
      run([...inputOptions(film, decoders, maxPixels), '-map', '0:V:0', '-frames:v', '1', '-f', 'null', '-'], {
        reads: [CLIP_PATH],
      });
    await decode(['h264'], 1920 * 1088);
    await expect(decode(['hevc'])).rejects.toMatchObject({ reason: 'tool-failed' });
    // Nor a picture that is larger than it may be.
    await expect(decode(['h264'], 1280 * 720)).rejects.toMatchObject({ reason: 'tool-failed' });
  });
});
