import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ffmpeg } from './tools';

const SECONDS = 6;
const PICTURE = ['-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=25:duration=${SECONDS}`];
const sound = (hertz: number) => ['-f', 'lavfi', '-i', `sine=frequency=${hertz}:sample_rate=44100:duration=${SECONDS}`];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25'];
const GERMAN = '1\n00:00:01,000 --> 00:00:02,000\n<i>Guten</i> Tag & <font color="red">willkommen</font>\n';
const ENGLISH = '1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:04,000 --> 00:00:05,000\nBye\n';
const CHAPTERS = [
  ';FFMETADATA1',
  ...['[CHAPTER]', 'TIMEBASE=1/1000', 'START=0', 'END=3000', 'title=Beginning <b>& more'],
  // Written as a film's author would who wants to add a chapter of another's.
  ...['[CHAPTER]', 'TIMEBASE=1/1000', 'START=3000', 'END=6000', 'title=End\\', '[CHAPTER]', ''],
].join('\n');

export interface TextFilms {
  /** Absolute path of one of them. */
  pathOf(name: string): string;
  remove(): Promise<void>;
}

/**
 * Films with texts, six seconds each. `spoken.mp4`: sound and subtitles in German and English, two chapters. `spoken.mkv`: the
 * same subtitles as SubRip (forced), SubStation Alpha (the default) and WebVTT (for the hearing-impaired). `pictures.mkv`: the first of them are said
 * to be pictures (PGS). `sound.m4a`: no picture.
 */
export async function makeTextFilms(): Promise<TextFilms> {
  const directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-texts-'));
  const at = (name: string) => path.join(directory, name);
  await writeFile(at('de.srt'), GERMAN);
  await writeFile(at('en.srt'), ENGLISH);
  await writeFile(at('chapters.txt'), CHAPTERS);
  await ffmpeg(
    ...[...PICTURE, ...sound(440), ...sound(880)],
    ...['-i', at('de.srt'), '-i', at('en.srt'), '-i', at('chapters.txt')],
    ...['-map', '0', '-map', '1', '-map', '2', '-map', '3', '-map', '4', '-map_metadata', '5', '-map_chapters', '5'],
    ...[
      ...H264,
      '-c:a',
      'aac',
      '-c:s',
      'mov_text',
      '-metadata:s:a:0',
      'language=deu',
      '-metadata:s:a:1',
      'language=eng',
    ],
    ...['-metadata:s:s:0', 'language=deu', '-metadata:s:s:1', 'language=eng', at('spoken.mp4')],
  );
  await ffmpeg(
    ...['-i', at('spoken.mp4'), '-i', at('de.srt'), '-i', at('en.srt'), '-map', '0:v', '-map', '0:a:0'],
    ...['-map', '1', '-map', '2', '-map', '2', '-map_chapters', '-1', '-c', 'copy'],
    ...['-c:s:0', 'subrip', '-c:s:1', 'ass', '-c:s:2', 'webvtt', '-metadata:s:s:0', 'language=ger'],
    ...['-disposition:s:0', 'forced', '-disposition:s:1', 'default', '-disposition:s:2', 'hearing_impaired'],
    ...[
      '-metadata:s:s:0',
      'title=Deutsch "=;',
      '-metadata:s:s:1',
      'language=eng',
      '-metadata:s:s:1',
      'title=English SDH',
    ],
    at('spoken.mkv'),
  );
  const spoken = await readFile(at('spoken.mkv'), 'latin1');
  await writeFile(at('pictures.mkv'), spoken.replace('S_TEXT/UTF8', 'S_HDMV/PGS\0'), 'latin1');
  await ffmpeg('-i', at('spoken.mp4'), '-map', '0:a:0', '-map_chapters', '-1', '-c', 'copy', at('sound.m4a'));
  return { pathOf: at, remove: () => rm(directory, { recursive: true, force: true }) };
}
