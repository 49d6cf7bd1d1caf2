import { type AddressedResource, chaptersOf, type GrantedAsset, type PlaybackTokenAnswer } from '../../contracts';

type Addresses = Pick<PlaybackTokenAnswer['data'], 'textTracks' | 'chapters' | 'waveform'>;

/** What a page is told beside the film itself. */
export function textAddresses(asset: GrantedAsset, url: (resource: AddressedResource) => string): Addresses {
  const { textTracks = [], waveform } = asset;
  return {
    textTracks: textTracks.map(({ id: text, kind, language, label, default: isDefault, forced }) => {
      return { url: url({ kind: 'text', text }), kind, language, label, default: isDefault, ...(forced && { forced }) };
    }),
    chapters: chaptersOf(asset) ? url({ kind: 'chapters' }) : null,
    waveform: waveform ? url({ kind: 'waveform' }) : null,
  };
}
