/** Options and filters of ffmpeg whose names are its own. */
export const PROTOCOLS_ALLOWED = '-protocol_whitelist';
export const DEMUXERS_ALLOWED = '-format_whitelist';
export const DECODERS_ALLOWED = '-codec_whitelist';
export const PIXELS_ALLOWED = '-max_pixels';
export const STREAMS_ALLOWED = '-max_streams';
/** Of so many pictures the one that is most like all of them. */
export const mostTypicalOf = (pictures: number): string => `thumbnail=n=${pictures}`;
