/**
 * What ffmpeg is given, decided here alone: what cameras, exports and older archives of films really hold, as far as their
 * parsers are no more than that. Left out on purpose, beside all that nobody has asked for:
 * - demuxers that read other files than the film (HLS, DASH, concat, IMF) or find out by themselves what they open;
 * - archives' own audio (APE, Musepack, WavPack, DSD), RealMedia, and raw streams without a container;
 * - decoders with a long history of memory faults for formats that are hardly met any more: Indeo, Cinepak, Sorenson 1 and 3,
 *   screen codecs (TSCC, G2M, QuickTime Animation), Huffyuv and its kin, CineForm, JPEG 2000, VP7, the first MS MPEG-4,
 *   WMA Pro, Lossless and Voice, Nellymoser, Speex, TrueHD.
 */

/** Demuxers by what the first bytes say (`file-type`), never by a name. All of them hold their media themselves. */
export const DEMUXERS: ReadonlyMap<string, string> = new Map([
  ...['video/mp4', 'video/x-m4v', 'audio/mp4', 'audio/x-m4a', 'video/quicktime', 'video/3gpp', 'video/3gpp2'].map(
    (mime): [string, string] => [mime, 'mov'],
  ),
  ...['video/matroska', 'video/x-matroska', 'audio/x-matroska', 'video/webm', 'audio/webm'].map(
    (mime): [string, string] => [mime, 'matroska'],
  ),
  ['video/mp2t', 'mpegts'],
  // Its subtitles (GAB2) are a file within, for which it opens SRT or SSA: only where the list of demuxers has them.
  ['video/vnd.avi', 'avi'],
  ['video/x-flv', 'flv'],
  ...['application/vnd.ms-asf', 'video/x-ms-asf', 'audio/x-ms-asf'].map((mime): [string, string] => [mime, 'asf']),
  ...['video/mpeg', 'video/MP1S', 'video/MP2P'].map((mime): [string, string] => [mime, 'mpeg']),
  ['application/mxf', 'mxf'],
  ...['video/ogg', 'audio/ogg', 'application/ogg'].map((mime): [string, string] => [mime, 'ogg']),
  ['audio/wav', 'wav'],
  ['audio/aiff', 'aiff'],
  ['audio/amr', 'amr'],
  ['audio/flac', 'flac'],
  ['audio/aac', 'aac'],
  ['audio/mpeg', 'mp3'],
]);

const byOwnName = (...codecs: string[]) => codecs.map((codec): [string, readonly string[]] => [codec, [codec]]);

/** Decoders by ffmpeg's name of the codec: what is not here is never decoded (T22). */
export const DECODERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['vp8', ['vp8', 'libvpx']],
  ['vp9', ['vp9', 'libvpx-vp9']],
  ['av1', ['libdav1d', 'libaom-av1', 'av1']],
  // Cameras, receivers, DVDs and editing.
  ...byOwnName('h264', 'hevc', 'mpeg1video', 'mpeg2video', 'dvvideo', 'mjpeg', 'h263', 'prores', 'dnxhd', 'rawvideo'),
  // AVI, FLV, Windows Media and Ogg as they were exported for years.
  ...byOwnName('mpeg4', 'msmpeg4v2', 'wmv1', 'wmv2', 'wmv3', 'vc1', 'vp6', 'vp6f', 'theora'),
  ['msmpeg4v3', ['msmpeg4']],
  ['flv1', ['flv']],
]);

/** The same for sound. */
export const SOUND_DECODERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['mp3', ['mp3float', 'mp3']],
  ['mp2', ['mp2float', 'mp2']],
  ['opus', ['libopus', 'opus']],
  ['vorbis', ['vorbis', 'libvorbis']],
  ...byOwnName('aac', 'flac', 'alac', 'ac3', 'eac3', 'wmav1', 'wmav2', 'adpcm_ima_wav', 'adpcm_ima_qt', 'adpcm_ms'),
  ...byOwnName('adpcm_swf'),
  ['dts', ['dca']],
  ['amr_nb', ['amrnb', 'libopencore_amrnb']],
  ['amr_wb', ['amrwb', 'libopencore_amrwb']],
  ...byOwnName('pcm_u8', 'pcm_s8', 'pcm_s16le', 'pcm_s16be', 'pcm_s24le', 'pcm_s24be', 'pcm_s32le', 'pcm_s32be'),
  ...byOwnName('pcm_f32le', 'pcm_f32be', 'pcm_f64le', 'pcm_f64be', 'pcm_alaw', 'pcm_mulaw', 'pcm_dvd', 'pcm_bluray'),
]);

/** Containers whose subtitles are another container within: they are not looked for. */
export const HIDES_SUBTITLES: ReadonlySet<string> = new Set(['avi']);
