import type { ListedText } from '../packager/listed-text';
import type { Presentation, Track } from '../packager/presentation';
import { type AttributeValue, formatAttributes, quoted } from './attribute-list';
import { type AudioGroup, formatAudioGroup, groupAudio } from './audio-group';
import { formatTextGroup, TEXT_GROUP } from './text-group';

/** Of every variant. */
type MoreAttributes = Readonly<Record<string, AttributeValue>>;

function unique(codecs: string[]): string {
  return [...new Set(codecs)].join(',');
}

function highest(tracks: Track[], rate: 'bandwidth' | 'averageBandwidth'): number {
  return Math.max(0, ...tracks.map((track) => track[rate]));
}

/** RFC 8216 §4.3.4.2: the peak over every playable combination, hence with the dearest audio of the group. */
function formatVideoVariant(video: Track, group: AudioGroup | undefined, more: MoreAttributes): string[] {
  const audio = group?.tracks ?? [];
  const attributes = formatAttributes({
    BANDWIDTH: Math.ceil(video.bandwidth + highest(audio, 'bandwidth')),
    'AVERAGE-BANDWIDTH': Math.ceil(video.averageBandwidth + highest(audio, 'averageBandwidth')),
    CODECS: quoted(unique([video.codec, ...audio.map((track) => track.codec)])),
    RESOLUTION: video.width && video.height ? `${Math.round(video.width)}x${Math.round(video.height)}` : undefined,
    'FRAME-RATE': video.frameRate ? video.frameRate.toFixed(3) : undefined,
    AUDIO: group && quoted(group.id),
    ...more,
  });
  return [`#EXT-X-STREAM-INF:${attributes}`, `${video.id}/media.m3u8`];
}

/** Without a picture the default track is the variant itself; the group is for choosing among several. */
function formatAudioVariant({ id, tracks }: AudioGroup, more: MoreAttributes): string[] {
  const [first] = tracks;
  if (!first) return [];
  const attributes = formatAttributes({
    BANDWIDTH: Math.ceil(highest(tracks, 'bandwidth')),
    'AVERAGE-BANDWIDTH': Math.ceil(highest(tracks, 'averageBandwidth')),
    CODECS: quoted(unique(tracks.map((track) => track.codec))),
    AUDIO: tracks.length > 1 ? quoted(id) : undefined,
    ...more,
  });
  return [`#EXT-X-STREAM-INF:${attributes}`, `${first.id}/media.m3u8`];
}

function formatVariants(videos: Track[], groups: AudioGroup[], more: MoreAttributes): string[] {
  if (videos.length === 0) return groups.flatMap((group) => formatAudioVariant(group, more));
  if (groups.length === 0) return videos.flatMap((video) => formatVideoVariant(video, undefined, more));
  return groups.flatMap((group) => videos.flatMap((video) => formatVideoVariant(video, group, more)));
}

/**
 * The multivariant playlist (RFC 8216 §4.3.4): one variant per rendition with a picture, best first as the renditions
 * come. All URIs are relative to `/v/{credential}/hls/`.
 */
export function formatMultivariantPlaylist(presentation: Presentation, texts: readonly ListedText[] = []): string {
  const { tracks } = presentation;
  const videos = tracks.filter((track) => track.kind === 'video');
  const groups = groupAudio(presentation);
  const listed = groups.filter((group) => videos.length > 0 || group.tracks.length > 1);
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    // RFC 8216 §4.3.5.1: in this playlist it speaks for every segment of every media playlist.
    ...(tracks.some((track) => track.independent === false) ? [] : ['#EXT-X-INDEPENDENT-SEGMENTS']),
    ...listed.flatMap(formatAudioGroup),
    ...formatTextGroup(texts),
    ...formatVariants(videos, groups, texts.length > 0 ? { SUBTITLES: quoted(TEXT_GROUP) } : {}),
  ];
  return `${lines.join('\n')}\n`;
}
