import type { AudioCodec, InputAudioTrack, InputVideoTrack, VideoCodec } from 'mediabunny';
// Not all contracts: the thread would load zod, which it does not need.
import { PACKAGED_CODECS } from '../../../server/contracts/packaged-codecs';

const packaged: ReadonlySet<VideoCodec | AudioCodec> = new Set(PACKAGED_CODECS);

export function isPackagedCodec(codec: VideoCodec | AudioCodec | null): boolean {
  return codec !== null && packaged.has(codec);
}

/** The registered spelling for ISO files of what the demuxer reports. */
export function toIsoCodec(codec: string): string {
  // Parameter sets lie in the sample entry, which is `hvc1` (ISO/IEC 14496-15 §8.4.1); Safari refuses `hev1`.
  if (codec.startsWith('hev1.')) return `hvc1.${codec.slice('hev1.'.length)}`;
  // Sample entry names, which RFC 6381 §3.3 makes the first element of the parameter, are case-sensitive.
  if (codec === 'opus') return 'Opus';
  if (codec === 'flac') return 'fLaC';
  // RFC 6381 §3.3: `mp4a` is followed by the object type; 0x6B is MPEG-1 audio.
  if (codec === 'mp3') return 'mp4a.6B';
  return codec;
}

/** The track's RFC 6381 codec string; null when the film does not hold enough to tell. */
export async function codecStringOf(track: InputVideoTrack | InputAudioTrack): Promise<string | null> {
  const codec = await track.getCodecParameterString();
  return codec === null ? null : toIsoCodec(codec);
}
