import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CLIP_PATH, clip, clipWithoutEnd } from '../support/clips';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

const ASSET_UID = 'plugin::protected-vod.asset';
const FILE_UID = 'plugin::upload.file';
const FOLDER_UID = 'plugin::upload.folder';
const VIDEO_UID = 'plugin::protected-vod.video';

interface ImportLine {
  kind: string;
  name: string;
  assetId?: string;
  key?: string;
  reason?: string;
  code?: string;
}

let app: StrapiApp;
let directory: string;

const care = () => app.strapi.plugin('protected-vod').service('storage-care');
const at = (name: string) => path.join(directory, name);
const stored = (key: string) => path.join(app.storageRoot, key);

async function run(options: object = {}): Promise<ImportLine[]> {
  const defaults = { directory, folders: [], isByLink: false, isDryRun: false, entries: 'draft' };
  const lines: ImportLine[] = [];
  for await (const line of care().importFilms({ ...defaults, ...options })) lines.push(line);
  return lines;
}

const shown = (lines: ImportLine[]) =>
  lines.map(({ kind, name, reason, code }) => [kind, name, reason ?? code].filter(Boolean).join(' '));

/** The clip with some bytes behind it that players pass by: another film of nearly the same size. */
function otherClip(mark: string): Buffer {
  const box = Buffer.alloc(64, mark);
  box.writeUInt32BE(64, 0);
  box.write('free', 4);
  return Buffer.concat([clip(), box]);
}

async function write(name: string, bytes: Buffer | string): Promise<void> {
  await mkdir(path.dirname(at(name)), { recursive: true });
  await writeFile(at(name), bytes);
}

beforeAll(async () => {
  app = await startStrapiApp({ pluginConfig: { streamer: { mode: 'external' } } });
});
afterAll(() => app.stop());
beforeEach(async () => {
  for (const uid of [VIDEO_UID, ASSET_UID, FILE_UID, FOLDER_UID]) await app.strapi.db.query(uid).deleteMany({});
  for (const name of await readdir(stored('library')).catch(() => [])) {
    await rm(stored(`library/${name}`), { recursive: true });
  }
  if (directory) await rm(directory, { recursive: true });
  directory = await mkdtemp(path.join(tmpdir(), 'films-to-import-'));
});

describe('import', () => {
  test('brings in the tree with one line a file: films with file and draft, all else told why not', async () => {
    await write('Lectures/Week 1/Intro: “a”.mp4', clip());
    await write('Lectures/notes.txt', 'not a film');
    await write('cut.mp4', clipWithoutEnd());
    await write('list.m3u8', '#EXTM3U\n/etc/passwd\n');
    await write('really-a-film.dat', otherClip('d'));
    await write('.hidden.mp4', 'x');
    await symlink(CLIP_PATH, at('link.mp4'));

    const lines = await run({ folders: ['Archive'] });
    expect(shown(lines)).toEqual([
      'skipped .hidden.mp4 hidden',
      'imported Lectures/Week 1/Intro: “a”.mp4',
      'skipped Lectures/notes.txt not-a-film',
      'refused cut.mp4 film-is-incomplete',
      'skipped link.mp4 symbolic-link',
      'refused list.m3u8 film-is-playlist',
      'imported really-a-film.dat',
    ]);
    const [first] = lines.filter(({ kind }) => kind === 'imported');
    expect(first?.key).toBe('library/Archive/Lectures/Week 1/Intro_ “a”.mp4');
    expect((await readFile(stored(first?.key ?? ''))).equals(clip())).toBe(true);
    expect((await stat(stored(first?.key ?? ''))).mode & 0o777).toBe(0o600);
    const entries = await app.strapi.documents(VIDEO_UID as never).findMany({ populate: { source: true } as never });
    expect(entries).toMatchObject([
      { title: 'Intro: “a”', slug: 'intro-a', publishedAt: null, source: { name: 'Intro_ “a”.mp4' } },
      { title: 'really-a-film', publishedAt: null },
    ]);
    expect(await app.strapi.documents(VIDEO_UID as never).count({ status: 'published' })).toBe(0);
    expect(await readdir(stored('incoming'))).toEqual([]);
    // The reservations are gone with the runs.
    expect(await app.strapi.db.query('plugin::protected-vod.incoming-film').count({})).toBe(0);
  });

  test('goes on where it was cut off: what is there by SHA-256 is known, an entry that is missing is made', async () => {
    await write('a.mp4', clip());
    await write('b.mp4', otherClip('b'));
    await write('copy of a.mp4', clip());
    expect(shown(await run())).toEqual(['imported a.mp4', 'imported b.mp4', 'known copy of a.mp4']);
    const [, second] = await app.strapi.documents(VIDEO_UID as never).findMany({ sort: 'id:asc' as never });
    await app.strapi
      .documents(VIDEO_UID as never)
      .delete({ documentId: (second as { documentId: string }).documentId });
    expect(shown(await run())).toEqual(['known a.mp4', 'entry-added b.mp4', 'known copy of a.mp4']);
    expect(await app.strapi.db.query(ASSET_UID).count({})).toBe(2);
    expect(await app.strapi.db.query(FILE_UID).count({})).toBe(2);
  });

  test('says beforehand what it would do, and does nothing', async () => {
    await write('a.mp4', clip());
    await run();
    await write('sub/b.mp4', otherClip('b'));
    expect(shown(await run({ isDryRun: true }))).toEqual(['known a.mp4', 'would-import sub/b.mp4']);
    expect(await app.strapi.db.query(ASSET_UID).count({})).toBe(1);
    expect(await app.strapi.db.query(FOLDER_UID).count({})).toBe(0);
    // A film that was replaced is about to go.
    await app.strapi.db.query(ASSET_UID).updateMany({ where: {}, data: { state: 'replaced' } });
    expect(shown(await run({ isDryRun: true }))).toEqual(['would-import a.mp4', 'would-import sub/b.mp4']);
  });

  test('makes published entries, or none, if asked to', async () => {
    await write('a.mp4', clip());
    await run({ entries: 'none' });
    expect(await app.strapi.db.query(VIDEO_UID).count({})).toBe(0);
    expect(shown(await run({ entries: 'published' }))).toEqual(['entry-added a.mp4']);
    expect(await app.strapi.documents(VIDEO_UID as never).count({ status: 'published' })).toBe(1);
  });

  test('by link writes no film twice; a file that others may write to is not linked', async () => {
    await write('own.mp4', clip());
    await write('shared.mp4', otherClip('s'));
    await chmod(at('shared.mp4'), 0o666);
    const lines = await run({ isByLink: true });
    expect(shown(lines)).toEqual(['imported own.mp4', 'failed shared.mp4 link-unsafe']);
    const [one, other] = await Promise.all([stat(at('own.mp4')), stat(stored(lines[0]?.key ?? ''))]);
    expect(one.ino).toBe(other.ino);
  });

  test('a linked film that is changed through its other name is found by verify', async () => {
    await write('own.mp4', clip());
    const [line] = await run({ isByLink: true });
    await writeFile(at('own.mp4'), otherClip('x'));
    const codes: string[] = [];
    for await (const { code } of care().verify({ isQuick: false, minAgeSeconds: 0 })) codes.push(code);
    expect(codes).toEqual(['film-damaged']);
    expect(line?.kind).toBe('imported');
  });

  test('a copied film stays what it was, whatever becomes of the file and its other names', async () => {
    await write('own.mp4', clip());
    await link(at('own.mp4'), at('.other-name'));
    const [, line] = await run();
    await writeFile(at('.other-name'), 'something else');
    expect((await readFile(stored(line?.key ?? ''))).equals(clip())).toBe(true);
  });

  test('two at once: the second waits for another time', async () => {
    await write('a.mp4', clip());
    await write('b.mp4', otherClip('b'));
    const first = care().importFilms({ directory, folders: [], isByLink: false, isDryRun: false, entries: 'draft' });
    await first.next();
    await expect(run()).rejects.toMatchObject({ code: 'storage-busy' });
    for await (const _ of first);
    expect(await app.strapi.db.query(ASSET_UID).count({})).toBe(2);
  });

  test.each([
    ['a directory that is not there', () => at('nowhere'), 'import-no-directory'],
    ['a file', () => CLIP_PATH, 'import-no-directory'],
    ['the storage itself', () => stored('library'), 'import-from-storage'],
    ['a directory round the storage', () => path.dirname(app.storageRoot), 'import-from-storage'],
    ['the public folder', () => path.join(app.strapi.dirs.static.public, 'uploads'), 'import-from-public'],
  ])('refuses %s', async (_, from, code) => {
    await expect(run({ directory: from() })).rejects.toMatchObject({ code });
  });

  test('a link to the storage is the storage', async () => {
    await symlink(stored('library'), at('library'));
    await expect(run({ directory: at('library') })).rejects.toMatchObject({ code: 'import-from-storage' });
  });
});
