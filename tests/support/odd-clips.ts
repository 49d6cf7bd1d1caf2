import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { picture } from './clips';
import { withEdits, withoutBox } from './mp4-edits';
import { ffmpeg } from './tools';

/** Three seconds, 75 pictures, none like another. */
const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=3'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100:duration=3'];
const QUICK = ['-c:v', 'libx264', '-preset', 'ultrafast'];
const H264 = [...QUICK, '-bf', '2', '-b_strategy', '0', '-g', '25', '-pix_fmt', 'yuv420p'];
const AAC = ['-c:a', 'aac', '-b:a', '64k'];
/** The clip that most others are made from. */
const FIRST = 'faststart.mp4';
const SUBTITLES = '1\n00:00:00,500 --> 00:00:01,500\nHello\n';

type At = (name: string) => string;
/** Arguments of ffmpeg without the target, or the clip itself. */
type Recipe = (at: At) => string[] | Promise<Buffer>;

const from =
  (...args: string[]): Recipe =>
  (at) => ['-i', at(FIRST), ...args];
const copied = (...args: string[]) => from('-c', 'copy', ...args);
const bytesOf =
  (change: (bytes: Buffer) => Buffer, source = FIRST): Recipe =>
  async (at) =>
    change(await readFile(at(source)));

const VP9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '25', '-c:a', 'libopus'];
const AV1 = ['-c:v', 'libsvtav1', '-preset', '12', '-g', '25', '-c:a', 'copy'];
const HEVC = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:keyint=25:bframes=3'];
const DROPPED = ['-vf', "select='mod(n,7)*mod(n,11)'", '-fps_mode', 'vfr'];
const CENC = [
  '-encryption_scheme',
  'cenc-aes-ctr',
  '-encryption_key',
  'a'.repeat(32),
  '-encryption_kid',
  'b'.repeat(32),
];
const LANGUAGES = ['-metadata:s:a:0', 'language=deu', '-metadata:s:a:1', 'language=eng'];

/** By name; later ones are made from earlier ones. */
const RECIPES: Record<string, Recipe> = {
  [FIRST]: () => [...PICTURE, ...SOUND, ...H264, ...AAC, '-shortest', '-movflags', '+faststart'],
  'tail-moov.mp4': copied(),
  'fragmented.mp4': copied('-movflags', 'frag_keyframe+empty_moov'),
  // Its headers say of the duration that it is not known.
  'smooth.ismv': copied(),
  'matroska.mkv': copied(),
  'transport.ts': copied(),
  'silent.mp4': copied('-an'),
  'rotated.mov': copied('-metadata:s:v:0', 'rotate=90'),
  'vfr.mp4': () => [...PICTURE, ...DROPPED, ...H264],
  'subtitles.srt': async () => Buffer.from(SUBTITLES),
  'languages.mp4': (at) => [
    ...['-i', at(FIRST), '-i', at('subtitles.srt'), '-map', '0:v', '-map', '0:a', '-map', '0:a', '-map', '1'],
    ...['-c', 'copy', '-c:s', 'mov_text', ...LANGUAGES],
  ],
  'audio-only.m4a': copied('-vn'),
  'sparse.mp4': () => [
    ...['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=10:duration=12', ...QUICK, '-g', '1000', '-sc_threshold', '0'],
    ...['-pix_fmt', 'yuv420p'],
  ],
  'vp9.webm': from(...VP9),
  'av1.mp4': from(...AV1),
  'hevc.mp4': from(...HEVC, '-c:a', 'copy'),
  'ten-bit.mp4': from(...QUICK, '-pix_fmt', 'yuv420p10le', '-g', '25', '-c:a', 'copy'),
  'mp3.mp4': from('-c:v', 'copy', '-c:a', 'libmp3lame'),
  'ac3.mp4': from('-c:v', 'copy', '-c:a', 'ac3'),
  'sound.mp3': from('-vn', '-c:a', 'libmp3lame'),
  // Between key pictures at 1 s and 2 s: 0.3 s stay in the file, before its beginning.
  'trimmed.mp4': (at) => ['-ss', '1.3', '-i', at(FIRST), '-c', 'copy'],
  'trimmed-languages.mp4': (at) => [
    ...['-ss', '1.3', '-i', at(FIRST), '-map', '0:v', '-map', '0:a', '-map', '0:a', '-c', 'copy', ...LANGUAGES],
    ...['-metadata:s:a:0', 'handler_name=Ton für alle', '-metadata:s:a:1', `handler_name=Director's "cut"`],
  ],
  // As trimmed as that, behind two seconds in which nothing is to be seen: no time of it is below 0.
  'trimmed-late.mp4': bytesOf(
    (bytes) =>
      withEdits(bytes, [
        [2, null],
        [1.5, 1.3],
      ]),
    'tail-moov.mp4',
  ),
  'trimmed-end.mp4': bytesOf((bytes) => withEdits(bytes, [[2, 0.08]]), 'tail-moov.mp4'),
  'cut-out.mp4': bytesOf(
    (bytes) =>
      withEdits(bytes, [
        [1, 0.08],
        [1, 2],
      ]),
    'tail-moov.mp4',
  ),
  'slow-motion.mp4': bytesOf((bytes) => withEdits(bytes, [[6, 0.08, 0.5]]), 'tail-moov.mp4'),
  'film.avi': from('-c:v', 'mpeg4', '-c:a', 'libmp3lame'),
  'film.flv': from('-c:v', 'flv1', '-c:a', 'libmp3lame'),
  'film.wmv': from('-c:v', 'wmv2', '-c:a', 'wmav2'),
  'film.mpg': from('-c:v', 'mpeg2video', '-c:a', 'mp2'),
  'film.ogv': from('-c:v', 'libtheora', '-c:a', 'libopus'),
  // Not all of its packets say when they are shown.
  'bidirectional.avi': from('-c:v', 'mpeg4', '-bf', '2', '-c:a', 'libmp3lame'),
  'older.avi': from('-c:v', 'msmpeg4', '-c:a', 'adpcm_ms'),
  'camera.avi': from('-c:v', 'mjpeg', '-c:a', 'pcm_s16le'),
  // Interlaced, and shown wider than it is coded: 1024 × 576.
  'tape.avi': from(
    ...['-t', '1', '-vf', 'scale=720:576,setdar=16/9,format=yuv420p', '-c:v', 'dvvideo'],
    ...['-c:a', 'pcm_s16le', '-ar', '48000', '-ac', '2'],
  ),
  'film.mxf': from('-c:v', 'mpeg2video', '-c:a', 'pcm_s16le', '-ar', '48000'),
  'phone.3gp': from('-vf', 'scale=176:144,setsar=1', '-c:v', 'h263', '-c:a', 'copy'),
  'sound.aiff': from('-vn'),
  'old.mov': bytesOf((bytes) => withoutBox(bytes, 'ftyp'), 'tail-moov.mp4'),
  'prores.mov': from('-t', '1', '-c:v', 'prores_ks', '-c:a', 'copy'),
  'broadcast.ts': from('-c:v', 'mpeg2video', '-c:a', 'copy'),
  'receiver.ts': from('-c:v', 'copy', '-c:a', 'mp2'),
  'camera.mov': from('-c:v', 'copy', '-c:a', 'pcm_s16le'),
  'sound.wav': from('-vn'),
  'cut-off.mp4': bytesOf((bytes) => bytes.subarray(0, Math.floor(bytes.length / 2))),
  'no-tables.mp4': bytesOf((bytes) => bytes.subarray(0, Math.floor(bytes.length / 2)), 'tail-moov.mp4'),
  'cut-off.mkv': bytesOf((bytes) => bytes.subarray(0, 20_000), 'matroska.mkv'),
  'picture.mp4': async () => picture(),
  'text.mp4': async () => Buffer.from('This is no film.\n'.repeat(500)),
  'encrypted.mp4': copied(...CENC),
};

/** Another recipe makes another directory. */
const VERSION = createHash('sha256')
  .update(readFileSync(import.meta.filename))
  .update(readFileSync(path.join(import.meta.dirname, 'mp4-edits.ts')))
  .digest('hex');
const KEPT_AT = path.join(tmpdir(), `protected-vod-clips-${VERSION.slice(0, 16)}`);
const at: At = (name) => path.join(KEPT_AT, name);

async function make(name: string, recipe: Recipe): Promise<void> {
  if (existsSync(at(name))) return;
  const draft = path.join(KEPT_AT, `${process.pid}-${name}`);
  const made = recipe(at);
  if (Array.isArray(made)) await ffmpeg(...made, '-y', draft);
  else await writeFile(draft, await made);
  // Another test file may have been faster: one of the two stays, whole.
  await rename(draft, at(name));
}

/** Makes what is not there yet (some ten seconds the first time) and answers where each clip lies. Needs ffmpeg. */
export async function oddClips(): Promise<(name: string) => string> {
  await mkdir(KEPT_AT, { recursive: true, mode: 0o700 });
  for (const [name, recipe] of Object.entries(RECIPES)) await make(name, recipe);
  return at;
}
