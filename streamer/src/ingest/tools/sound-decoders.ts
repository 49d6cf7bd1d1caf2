/** Decoders by ffmpeg's name of the codec: sound in another one is never decoded (T22). */
const DECODERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['aac', ['aac']],
  ['mp3', ['mp3float', 'mp3']],
  ['opus', ['opus', 'libopus']],
  ['vorbis', ['vorbis', 'libvorbis']],
  ['flac', ['flac']],
  ['alac', ['alac']],
  ['ac3', ['ac3']],
  ['eac3', ['eac3']],
  ...['pcm_s16le', 'pcm_s16be', 'pcm_s24le', 'pcm_s24be', 'pcm_f32le'].map((name): [string, string[]] => [
    name,
    [name],
  ]),
]);

/** Null: sound in this codec is not decoded here. */
export function soundDecodersOf(codec: string): readonly string[] | null {
  return DECODERS.get(codec) ?? null;
}
