import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rungMaker } from '../../streamer/src/ingest/kinds/rung';
import { openScratch } from '../../streamer/src/ingest/scratch';
import { sniffFilm } from '../../streamer/src/ingest/tools/film-input';
import { createToolbox } from '../../streamer/src/ingest/tools/toolbox';
import { FFMPEG } from './tools';

const NAME = '90p.mp4';

export interface Conversion {
  file: string;
  /** What administrators are told beside it. */
  notes: string[];
}

export interface Converter {
  /** Makes a rendition, no higher than `height`, of the film at an absolute path. `ffmpeg`: another one than this machine's. */
  convert(film: string, wanted: { height: number; ffmpeg?: string }): Promise<Conversion>;
  close(): Promise<void>;
}

/** The worker's own making of renditions, without a plugin. */
export async function createConverter(): Promise<Converter> {
  const root = await mkdtemp(path.join(tmpdir(), 'protected-vod-converted-'));
  const confinement = { wrap: (command: readonly string[]) => [...command], layers: [], missing: [] };
  let count = 0;
  return {
    async convert(film, { height, ffmpeg = FFMPEG ?? '' }) {
      count += 1;
      const area = `ingest/${count}`;
      await mkdir(path.join(root, area), { recursive: true });
      const outputs = [{ name: NAME, storageKey: `${area}/1/${NAME}` }];
      const scratch = await openScratch(root, { scratch: area, attempt: 1, outputs } as never);
      const notes: string[] = [];
      const made = await rungMaker(NAME)({
        film: await sniffFilm(film),
        durationSeconds: 1,
        scratch,
        tools: createToolbox({ ffmpeg, confinement, root, memoryBytes: 1024 ** 3, maxSeconds: 60 }),
        maxPixels: 1e7,
        signal: new AbortController().signal,
        progressed: () => undefined,
        described: () => undefined,
        noted: (reason) => notes.push(reason),
        rung: { height, followsSource: false, preset: 'ultrafast' },
      });
      return { file: made.get(NAME) ?? '', notes };
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}
