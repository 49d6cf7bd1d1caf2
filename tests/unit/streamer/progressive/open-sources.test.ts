import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OpenedSource } from '../../../../streamer/src/http/storage-path';
import { OpenSources } from '../../../../streamer/src/progressive/open-sources';
import { until } from '../../../support/until';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'open-sources-'));
  writeFileSync(path.join(directory, 'film'), 'film');
});
afterAll(() => rmSync(directory, { recursive: true }));

function countingStorage() {
  const opened: FileHandle[] = [];
  async function openFilm(storageKey: string): Promise<OpenedSource> {
    const file = await open(path.join(directory, storageKey));
    opened.push(file);
    return { file, sizeBytes: 4 };
  }
  return { opened, storage: { open: openFilm } };
}

const CLOSED = -1;

it('a crowd opens a film once, and it is closed when nobody needs it any more', async () => {
  const { opened, storage } = countingStorage();
  const sources = new OpenSources(storage);
  const read = async ({ file }: OpenedSource): Promise<string> =>
    (await file.read(Buffer.alloc(4), 0, 4, 0)).buffer.toString();
  const texts = await Promise.all(Array.from({ length: 20 }, () => sources.use('film', read)));
  expect(new Set(texts)).toEqual(new Set(['film']));
  expect(opened).toHaveLength(1);
  await until('it is closed', () => opened[0]?.fd === CLOSED);
  expect(await sources.use('film', read)).toBe('film');
  expect(opened).toHaveLength(2);
});

it('a film is not closed under who is still reading', async () => {
  const { opened, storage } = countingStorage();
  const sources = new OpenSources(storage);
  const other = sources.use('film', async ({ file }) => {
    await until('the film is opened anew for others', async () => {
      await sources.use('film', async () => undefined);
      return opened.length > 1;
    });
    return file.fd;
  });
  expect(await other).not.toBe(CLOSED);
  await until('all are closed', () => opened.every(({ fd }) => fd === CLOSED));
});

it('what cannot be opened is told to everybody who asked, and tried again', async () => {
  const { opened, storage } = countingStorage();
  const sources = new OpenSources(storage);
  const attempts = await Promise.allSettled([1, 2].map(() => sources.use('none', async () => undefined)));
  expect(attempts.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  writeFileSync(path.join(directory, 'none'), 'film');
  await sources.use('none', async () => undefined);
  expect(opened).toHaveLength(1);
});
