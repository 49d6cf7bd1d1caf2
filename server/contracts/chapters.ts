import type { GrantedAsset, GrantedTextTrack } from './grant';
import { isEmbeddedText } from './text-tracks';

/** What `chapters.vtt` is: those that are the default, else those that somebody uploaded, else the first. */
export function chaptersOf({ textTracks = [] }: Pick<GrantedAsset, 'textTracks'>): GrantedTextTrack | undefined {
  const chapters = textTracks.filter(({ kind }) => kind === 'chapters');
  return chapters.find((one) => one.default) ?? chapters.find(({ id }) => !isEmbeddedText(id)) ?? chapters[0];
}
