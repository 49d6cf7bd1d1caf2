import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EncoderChoice } from '../../../../server/contracts';
import { createEncoders, type Encoders } from '../../../../streamer/src/ingest/encoders/encoders';
import { mountedDriverFiles } from '../../../../streamer/src/ingest/encoders/hardware';
import { checkMadePictures } from '../../../../streamer/src/ingest/encoders/made-pictures';
import { IngestError } from '../../../../streamer/src/ingest/ingest-error';
import { rungMaker } from '../../../../streamer/src/ingest/kinds/rung';
import { openScratch } from '../../../../streamer/src/ingest/scratch';
import { sniffFilm } from '../../../../streamer/src/ingest/tools/film-input';
import { createToolSource } from '../../../../streamer/src/ingest/tools/tool-source';
import { createToolbox, type Toolbox } from '../../../../streamer/src/ingest/tools/toolbox';
import { createLogger } from '../../../../streamer/src/logger';
import { planAsset } from '../../../../streamer/src/packager/asset-plan';
import { Film } from '../../../../streamer/src/packager/film';
import { type CardFault, type CardFfmpeg, cardFfmpeg } from '../../../support/card-ffmpeg';
import { FFMPEG, ffmpeg, frameHashes } from '../../../support/tools';

const GIB = 1024 ** 3;
const SECONDS = 33;
const PICTURES = SECONDS * 10;
const BARE = { wrap: (command: readonly string[]) => [...command], layers: [], missing: [] };

it('finds the libraries of a driver that a container’s runtime has mounted one by one, and nothing beside them', () => {
  const line = (point: string) => `1 2 8:1 /x ${point} ro,nosuid - ext4 /dev/sda1 rw`;
  const driver = ['/usr/lib/x86_64-linux-gnu/libcuda.so.550.54', '/usr/lib/x86_64-linux-gnu/libnvidia-encode.so.1'];
  const others = [
    '/usr/lib',
    '/usr/bin/nvidia-smi',
    '/srv/libcuda.so.1',
    '/usr/lib/libcuda\\040copy.so',
    '/dev/nvidia0',
  ];
  expect(mountedDriverFiles([...driver, ...others].map(line).join('\n'))).toEqual(driver);
});

describe.skipIf(!FFMPEG)('encoder', () => {
  let root: string;
  let film: string;
  let card: CardFfmpeg;
  let tools: Toolbox;
  let lines: string[];
  let software: Buffer;

  function encodersFor(choice: EncoderChoice): Encoders {
    lines = [];
    const destination = { write: (line: string) => void lines.push(line) };
    return createEncoders({ choice, root, logger: createLogger({ level: 'info', secrets: [root], destination }) });
  }

  const areaOf = (name: string) => path.join(root, 'ingest', name);

  /** One attempt at the same job again, unless another area is named. */
  async function make(encoders: Encoders, area = 'job'): Promise<Buffer> {
    await rm(path.join(areaOf(area), '1'), { recursive: true, force: true });
    const outputs = [{ name: '90p.mp4', storageKey: `ingest/${area}/1/90p.mp4` }];
    const scratch = await openScratch(root, { scratch: `ingest/${area}`, attempt: 1, outputs } as never);
    const encoder = await encoders.chosen(tools);
    const made = await rungMaker('90p.mp4')({
      ...{ film: await sniffFilm(film), durationSeconds: SECONDS, scratch, tools, maxPixels: 1e7 },
      signal: new AbortController().signal,
      progressed: () => undefined,
      described: () => undefined,
      noted: () => undefined,
      rung: { height: 90, followsSource: true, preset: 'ultrafast' },
      ...(encoder.hardware && { card: encoders.cardOf(encoder) }),
    });
    return readFile(made.get('90p.mp4') ?? '');
  }

  async function startsOf(...files: string[]) {
    const renditions = files.map((file, index) => ({
      id: index === 0 ? 'source' : '90p',
      storageKey: 'x',
      path: file,
    }));
    const plan = await planAsset(
      renditions.map((one) => ({ ...one, sizeBytes: 0 })),
      async (file, task) => {
        const opened = await Film.open(file);
        return opened.use(task).finally(() => opened.retire());
      },
    );
    const videos = plan.presentation.tracks.filter(({ kind }) => kind === 'video');
    return videos.map(({ segments }) => segments.map(({ startSeconds }) => Math.round(startSeconds * 1e4)));
  }

  async function expectWhole(): Promise<void> {
    const file = path.join(areaOf('job'), '1', 'work', '90p.mp4');
    expect(await frameHashes(file)).toHaveLength(PICTURES);
    const [one, other] = await startsOf(film, file);
    expect(one?.length).toBeGreaterThan(4);
    expect(other).toEqual(one);
  }

  beforeAll(async () => {
    root = await realpath(await mkdtemp(path.join(tmpdir(), 'protected-vod-encoders-')));
    await mkdir(path.join(root, 'ingest'));
    film = path.join(root, 'film.mp4');
    await ffmpeg(
      ...['-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=10:duration=${SECONDS}`, '-c:v', 'libx264'],
      ...['-preset', 'ultrafast', '-g', '70', '-y', film],
    );
    tools = createToolbox({ ffmpeg: FFMPEG ?? '', confinement: BARE, root, memoryBytes: GIB, maxSeconds: 60 });
    software = await make(encodersFor('software'), 'software');
  }, 60_000);
  afterAll(() => rm(root, { recursive: true, force: true }));

  beforeEach(() => {
    card = cardFfmpeg();
    tools = createToolbox({ ffmpeg: card.path, confinement: BARE, root, memoryBytes: GIB, maxSeconds: 60 });
  });
  afterEach(async () => {
    card.remove();
    await rm(areaOf('job'), { recursive: true, force: true });
  });

  it('`auto`, on a machine without a card, is x264, and says of each other one why not', async () => {
    const logger = createLogger({ level: 'silent', secrets: [] });
    const settings = { memoryBytes: GIB, maxSeconds: 60, confinement: 'best-effort', root, logger } as const;
    const { toolbox } = await createToolSource({ ffmpeg: undefined, ...settings })();
    if (toolbox === null) throw new Error('ffmpeg is missing');
    const encoders = encodersFor('auto');
    expect((await encoders.chosen(toolbox)).name).toBe('libx264');
    const { used, refused } = await encoders.report(toolbox);
    expect({ used, refused: refused.map(({ encoder }) => encoder) }).toEqual({
      used: 'libx264',
      refused: ['h264_nvenc', 'h264_vaapi'],
    });
    for (const { why } of refused) expect(['no-device', 'test-failed', 'not-built-in']).toContain(why);
    // Once, with ffmpeg's own words.
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /"encoder":"libx264".*"h264_nvenc".*"detail":"[^"]{10,}.*"h264_vaapi".*"detail":"[^"]{10,}/,
    );
    expect(lines[0]).not.toContain('it does not run any more');
    expect((await readdir(path.join(root, 'ingest'))).filter((name) => name.startsWith('encoder-'))).toEqual([]);
  });

  it('`software` tries nothing else, whatever there is', async () => {
    expect((await make(encodersFor('software'))).equals(software)).toBe(true);
    expect(card.calls()).toEqual([]);
  });

  it('`auto` takes the card that passes its test, for every chunk, and all pictures are there and cut alike', async () => {
    const encoders = encodersFor('auto');
    expect(await encoders.report(tools)).toEqual({ used: 'h264_nvenc', refused: [] });
    expect(card.calls()).toHaveLength(1);
    const made = await make(encoders);
    expect(made.equals(software)).toBe(false);
    await expectWhole();
    const chunks = (await readdir(areaOf('job'))).filter((name) => name.startsWith('picture-'));
    expect(chunks.length).toBeGreaterThan(2);
    expect(card.calls()).toHaveLength(1 + chunks.length);
    for (const call of card.calls()) expect(call).toMatch(/-maxrate \d+ -bufsize \d+ -bf 0 -forced-idr 1/);
    // Nor is anything made again by the next attempt.
    await make(encoders);
    expect(card.calls()).toHaveLength(1 + chunks.length);
  });

  it.each(['fails', 'loses', 'keyless', 'spoils'] as const)('that %s in its test is not taken', async (fault) => {
    card.fail(fault);
    const encoders = encodersFor('auto');
    const { used, refused } = await encoders.report(tools);
    expect([used, refused[0]?.encoder]).toEqual(['libx264', 'h264_nvenc']);
    if (fault === 'spoils') expect(refused[0]?.why).toBe('picture-differs');
    expect((await make(encoders)).equals(software)).toBe(true);
    expect(card.calls()).toHaveLength(1);
  });

  it.each<CardFault>(['fails', 'loses', 'keyless'])(
    'that %s in the middle of a film leaves it to x264 from the first chunk on',
    async (fault) => {
      // The test, the first chunk, and then.
      card.fail(fault, 3);
      const encoders = encodersFor('auto');
      expect((await make(encoders)).equals(software)).toBe(true);
      await expectWhole();
      expect(card.calls()).toHaveLength(3);
      expect(lines.filter((line) => line.includes('the encoder failed with a film'))).toHaveLength(1);
      // What x264 has begun, it goes on with, even if the card passes its test again.
      card.fail(null);
      expect((await encoders.chosen(tools)).name).toBe('h264_nvenc');
      expect((await make(encoders)).equals(software)).toBe(true);
      expect(card.calls()).toHaveLength(4);
    },
  );

  it('that passes its test and fails with films again and again is left alone', async () => {
    const encoders = encodersFor('auto');
    for (const _ of [1, 2, 3]) {
      const encoder = await encoders.chosen(tools);
      expect(encoder.name).toBe('h264_nvenc');
      encoders.cardOf(encoder).failed(new IngestError('tool-failed', 'it broke'));
    }
    const { used, refused } = await encoders.report(tools);
    expect([used, refused[0]]).toEqual(['libx264', { encoder: 'h264_nvenc', why: 'failed-at-work' }]);
    expect(card.calls()).toHaveLength(3);
  });

  it('that finishes a film is trusted as before', async () => {
    const encoders = encodersFor('auto');
    for (const time of [1, 2, 3, 4]) {
      const encoder = await encoders.chosen(tools);
      expect(encoder.name).toBe('h264_nvenc');
      encoders.cardOf(encoder).failed(new IngestError('tool-failed', 'it broke'));
      if (time === 2) await make(encoders);
    }
  });

  it('is not blamed for a film of which x264 makes nothing either', async () => {
    const encoders = encodersFor('auto');
    card.fail('fails', 2);
    card.failSoftware();
    await expect(make(encoders)).rejects.toMatchObject({ reason: 'tool-failed' });
    expect(lines.filter((line) => line.includes('the encoder failed with a film'))).toEqual([]);
    expect((await encoders.chosen(tools)).name).toBe('h264_nvenc');
    // Nor was it tried out anew.
    expect(card.calls()).toHaveLength(2);
  });
});

describe('what a card has made', () => {
  let directory: string;
  const at = (name: string) => path.join(directory, name);
  const CODING = { bits: 1e6, keysSeconds: [0] };

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-made-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('is not waited for where it is no plain file, nor is the list of its pictures', async () => {
    await writeFile(at('list'), '');
    execFileSync('mkfifo', [at('pipe')]);
    for (const [file, list] of [
      [at('pipe'), at('list')],
      [directory, at('list')],
      [at('list'), at('pipe')],
    ] as const) {
      await expect(checkMadePictures(file, list, CODING)).rejects.toMatchObject({ reason: 'output-invalid' });
    }
  });

  it('is not looked through by a list without end', async () => {
    await truncate(at('list'), 65 * 1024 * 1024);
    await expect(checkMadePictures(at('none'), at('list'), CODING)).rejects.toMatchObject({ reason: 'output-invalid' });
    await truncate(at('list'), 60 * 1024 * 1024);
    const detail = expect.stringContaining('a line without end');
    await expect(checkMadePictures(at('none'), at('list'), CODING)).rejects.toMatchObject({ detail });
  });
});
