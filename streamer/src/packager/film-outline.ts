import { EncodedPacketSink, type InputAudioTrack, type InputVideoTrack } from 'mediabunny';
import { PICTURE_BEGINS_WITHIN_SECONDS } from '../../../server/contracts/film-start';
import { type Bandwidth, correctByFileSize, estimateBandwidth } from './bandwidth';
import { codecStringOf, isPackagedCodec } from './codec-string';
import type { Film } from './film';
import { PackagingError } from './packaging-error';
import { type CutTrack, cutAudio, cutVideo } from './timeline';

const MAX_AUDIO_TRACKS = 99;

interface Outlined<T> {
  inputTrack: T;
  codec: string;
  cutTrack: CutTrack;
  bandwidth: Bandwidth;
}

export type OutlinedVideo = Outlined<InputVideoTrack>;
export type OutlinedAudio = Outlined<InputAudioTrack>;

/** What can be packaged of one film, in the film's own time. */
export interface FilmOutline {
  video: OutlinedVideo | null;
  audios: OutlinedAudio[];
  /** Film time that becomes 0. */
  originSeconds: number;
}

async function packagedOnly<T extends InputVideoTrack | InputAudioTrack>(tracks: T[]): Promise<T[]> {
  const packaged: T[] = [];
  for (const track of tracks) if (isPackagedCodec(await track.getCodec())) packaged.push(track);
  return packaged;
}

async function codecOf(track: InputVideoTrack | InputAudioTrack): Promise<string> {
  const codec = await codecStringOf(track);
  if (codec === null) throw new PackagingError('asset-unreadable', `the parameters of ${track.type} cannot be read`);
  return codec;
}

async function outlineVideo(film: Film, guide: readonly number[] | undefined): Promise<OutlinedVideo | null> {
  const all = await film.input.getVideoTracks();
  const [inputTrack] = await packagedOnly(all);
  if (!inputTrack) {
    // A film whose picture is lost but whose sound plays would look like a fault of the player.
    if (all.length > 0) throw new PackagingError('unsupported-codec', 'the video codec needs a transcode');
    return null;
  }
  const sink = new EncodedPacketSink(inputTrack);
  const cutTrack = await cutVideo(sink, guide);
  if (!cutTrack) throw new PackagingError('asset-unreadable', 'the video has no key picture');
  // Segments would show what was trimmed away. The plugin grants no such film; this is for the one that it has overlooked.
  if ((cutTrack.cuts[0]?.startSeconds ?? 0) < -PICTURE_BEGINS_WITHIN_SECONDS) {
    throw new PackagingError('hidden-part', 'the film begins with pictures that are not to be seen');
  }
  const bandwidth = await estimateBandwidth({ kind: 'video', sink, track: cutTrack });
  return { inputTrack, codec: await codecOf(inputTrack), cutTrack, bandwidth };
}

async function outlineAudio(inputTrack: InputAudioTrack, video: CutTrack | null): Promise<OutlinedAudio | null> {
  const sink = new EncodedPacketSink(inputTrack);
  const originSeconds = Math.min(video?.cuts[0]?.startSeconds ?? 0, 0);
  const cutTrack = await cutAudio(sink, video, originSeconds);
  if (!cutTrack) return null;
  const bandwidth = await estimateBandwidth({ kind: 'audio', sink, track: cutTrack });
  return { inputTrack, codec: await codecOf(inputTrack), cutTrack, bandwidth };
}

function originOf(video: CutTrack | undefined, audios: OutlinedAudio[]): number {
  const starts = audios.map(({ cutTrack }) => cutTrack.cuts[0]?.startSeconds ?? 0);
  if (video) starts.push(video.cuts[0]?.startSeconds ?? 0);
  // Negative only through the video, whose pictures cannot be dropped; above 0 in transport streams.
  return Math.min(...starts);
}

function correctVideo(film: Film, video: OutlinedVideo, audios: OutlinedAudio[]): OutlinedVideo {
  const { cuts, endSeconds } = video.cutTrack;
  const audioAverage = audios.reduce((sum, { bandwidth }) => sum + bandwidth.average, 0);
  const seconds = endSeconds - (cuts[0]?.startSeconds ?? 0);
  return { ...video, bandwidth: correctByFileSize(video.bandwidth, film.sizeBytes * 8, seconds, audioAverage) };
}

/**
 * Reads the sample tables of a film, not its media, and decides its cuts. Throws PackagingError `unsupported-codec` when
 * nothing of it can be packaged as it is, `hidden-part` when it begins with what was trimmed away, `asset-unreadable` when it
 * is truncated.
 */
export async function outlineFilm(film: Film, guide?: readonly number[]): Promise<FilmOutline> {
  const video = await outlineVideo(film, guide);
  const audios: OutlinedAudio[] = [];
  for (const inputTrack of (await packagedOnly(await film.input.getAudioTracks())).slice(0, MAX_AUDIO_TRACKS)) {
    const audio = await outlineAudio(inputTrack, video?.cutTrack ?? null);
    if (audio) audios.push(audio);
  }
  if (!video && audios.length === 0) {
    // No track at all is no question of codecs: what describes them lay in the part of the file that is missing.
    const code = (await film.input.getTracks()).length > 0 ? 'unsupported-codec' : 'asset-unreadable';
    throw new PackagingError(code, 'no track can be packaged');
  }
  const originSeconds = originOf(video?.cutTrack, audios);
  return { video: video && correctVideo(film, video, audios), audios, originSeconds };
}
