/** How a track is coded, as the containers that carry bare packets need to know it. */
export interface StreamTrack {
  /** `avc`, `hevc`, `av1`, `vp9`; `aac`, `mp3`, `opus`, … as mediabunny names them. */
  codec: string;
  /** Decoder configuration record (ISO/IEC 14496-15) or AudioSpecificConfig; null where the codec has none. */
  description: Buffer | null;
}

/** What one continuous stream of the film carries: its first picture and its first sound, of the source. */
export interface StreamOutline {
  durationMs: number;
  video: (StreamTrack & { width: number; height: number; frameRate: number }) | null;
  audio: (StreamTrack & { sampleRate: number; channels: number }) | null;
  /**
   * Where run `n` (from 0) starts, on the timeline that starts at 0; the first is 0. Never empty. Each begins with a key
   * picture, but for those of a sound that outlasts the picture.
   */
  runStartsMs: number[];
}

/** One coded packet. Whole milliseconds on the timeline that starts at 0; `dtsMs` ≤ `ptsMs`. */
export interface StreamPacket {
  kind: 'video' | 'audio';
  dtsMs: number;
  ptsMs: number;
  key: boolean;
  /** Length-prefixed NAL units for AVC and HEVC. Shared: must not be changed. */
  data: Buffer;
}

/**
 * All packets of one run, sorted by `dtsMs`; at the same time the picture comes first. The times of each track never fall,
 * across runs either. Sound is in the run in which it is heard, so the first pictures of the next run are decoded up to
 * the film's reordering (some 0.1 s) before the last sound of this one.
 */
export interface PacketRun {
  packets: StreamPacket[];
}
