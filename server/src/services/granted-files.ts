import { type GrantedAsset, type GrantedFile, type GrantedTextTrack, textIdOf } from '../../contracts';
import { derivedKeyOf } from '../storage/derived';
import type { Asset } from './asset';

type Film = Pick<Asset, 'storageKey' | 'derived'>;
type Derived = NonNullable<Film['derived']>[number];

/** 24 of SHA-256's 32 bytes: no two files share it, and no cache survives a changed byte. */
export function versionOf(sha256: string): string {
  return Buffer.from(sha256, 'hex').toString('base64url').slice(0, 32);
}

function grantedFile({ storageKey }: Film, { name, sizeBytes, sha256 }: Derived): GrantedFile {
  return { storageKey: derivedKeyOf(storageKey, name), sizeBytes, version: versionOf(sha256) };
}

function textsOf(film: Film): GrantedTextTrack[] {
  return (film.derived ?? []).flatMap((file) => {
    const id = textIdOf(file.name);
    return id === null || file.text === undefined ? [] : [{ ...file.text, id, file: grantedFile(film, file) }];
  });
}

type MadeFiles = Pick<GrantedAsset, 'poster' | 'storyboard' | 'textTracks' | 'waveform'>;

/** What lies beside a film, as far as it may be sent. */
export function madeFilesOf(film: Film): MadeFiles {
  const find = (wanted: string): GrantedFile | null => {
    const file = film.derived?.find(({ name }) => name === wanted);
    return file ? grantedFile(film, file) : null;
  };
  const [poster, index, sprite] = [find('poster.jpg'), find('storyboard.vtt'), find('storyboard.jpg')];
  const waveform = find('waveform.json');
  const textTracks = textsOf(film);
  return {
    ...(poster && { poster }),
    ...(index && sprite && { storyboard: { index, sprite } }),
    ...(textTracks.length > 0 && { textTracks }),
    ...(waveform && { waveform }),
  };
}
