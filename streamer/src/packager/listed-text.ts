import type { GrantedAsset, GrantedTextTrack } from '../../../server/contracts';
import { makeUnique } from './track-label';

/** A text track as playlists and manifests announce it. */
export interface ListedText {
  id: string;
  kind: 'subtitles' | 'captions';
  /** BCP 47; absent: not known. */
  language?: string;
  /** Unique among the texts of the film. Not escaped for any format. */
  name: string;
  isDefault: boolean;
  /** Essential, whatever the viewer prefers. */
  isForced: boolean;
  sizeBytes: number;
  /** Changes with every byte. */
  version: string;
}

function isShown(text: GrantedTextTrack): text is GrantedTextTrack & { kind: ListedText['kind'] } {
  return text.kind !== 'chapters';
}

/** Those that are shown over the picture. */
export function listedTexts({ textTracks = [] }: Pick<GrantedAsset, 'textTracks'>): ListedText[] {
  const taken = new Set<string>();
  return textTracks
    .filter(isShown)
    .map(({ id, kind, language, label, default: isDefault, forced: isForced = false, file }) => {
      const name = makeUnique(label, taken);
      taken.add(name);
      const { sizeBytes, version } = file;
      return { id, kind, ...(language !== 'und' && { language }), name, isDefault, isForced, sizeBytes, version };
    });
}
