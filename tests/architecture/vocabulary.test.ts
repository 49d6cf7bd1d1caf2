import { describe, expect, it } from 'vitest';
import { read, sourceFiles } from './source-files';

const files = sourceFiles('server', 'streamer', 'admin', 'strapi-server.ts');
/** Spells options and filters of ffmpeg as ffmpeg does. */
const FOREIGN_WORDS = 'streamer/src/ingest/tools/ffmpeg-words.ts';
const grep = (pattern: RegExp) => files.filter((file) => pattern.test(read(file)));

describe('vocabulary', () => {
  it('no file is a drawer', () => {
    const drawers = files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|shared-types)(\/|\.tsx?$)/.test(file));
    expect(drawers).toEqual([]);
  });
  it('no type is given up', () => {
    const code = (file: string) =>
      read(file)
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .replace(/(^|\s)\/\/(?! @ts-).*$/gm, '');
    const isLoose = (file: string) => /\bas any\b|:\s*any\b|<any>|@ts-ignore|@ts-nocheck/.test(code(file));
    expect(files.filter(isLoose)).toEqual([]);
  });
  it('no work is left in a comment', () => {
    expect(grep(/\b(TODO|FIXME|XXX)\b/)).toEqual([]);
  });
  it.each(['chunklist', 'masterPlaylist', 'master playlist', 'thumbnail', 'blacklist', 'whitelist'])(
    'the field says it otherwise: %s',
    (word) => {
      expect(grep(new RegExp(word, 'i')).filter((file) => file !== FOREIGN_WORDS)).toEqual([]);
    },
  );
});
