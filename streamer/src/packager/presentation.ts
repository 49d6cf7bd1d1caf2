/** One cut of a track on the common timeline, which starts at 0 for the whole asset. */
export interface TimelineSegment {
  startSeconds: number;
  durationSeconds: number;
}

/** One track of one rendition, as playlists and manifests announce it. Segment `n` is `segments[n - 1]`. */
export interface Track {
  /** `${rendition}-v1`, `${rendition}-a1`, …: satisfies `trackIdSchema`. */
  id: string;
  rendition: string;
  kind: 'video' | 'audio';
  /** As written into CODECS (RFC 6381). */
  codec: string;
  /** `video/mp4` or `audio/mp4`. */
  mime: string;
  /** Peak bits per second of any segment; estimated upwards where the film was only sampled. */
  bandwidth: number;
  averageBandwidth: number;
  /** Size and rate as displayed: after rotation and pixel aspect ratio. */
  width?: number;
  height?: number;
  frameRate?: number;
  channels?: number;
  sampleRate?: number;
  /** BCP 47; absent when the film does not say. */
  language?: string;
  /** Unique among the tracks of its kind in its rendition. Not escaped for any format. */
  name: string;
  /** Contiguous: each starts where the one before ends. Never empty. */
  segments: TimelineSegment[];
  /** False: some segment needs pictures of the one before it (open GOP). */
  independent?: boolean;
}

export interface Presentation {
  /** End of the longest track. */
  durationSeconds: number;
  tracks: Track[];
}
