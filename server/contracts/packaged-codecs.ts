/**
 * What the packager writes into CMAF segments, in the demuxer's names. The rest (PCM, ProRes, Vorbis, VP8, MPEG-2 …) needs a
 * transcode first.
 */
export const PACKAGED_CODECS = ['avc', 'hevc', 'vp9', 'av1', 'aac', 'opus', 'flac', 'mp3', 'ac3', 'eac3'] as const;
