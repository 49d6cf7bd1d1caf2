import { LRUCache } from 'lru-cache';
import {
  type Cue,
  chaptersOf,
  type GrantedAsset,
  type GrantedFile,
  type Resource,
  readWebVttCues,
} from '../../../server/contracts';
import { StreamError } from '../errors';
import { formatTextPlaylist, formatTextSegment, textSegmentCount } from '../hls/text-playlist';
import type { Packager } from '../packager/packager';
import type { Exchange } from './exchange';
import { readMadeFile } from './made-file';
import { HLS_MIME, toAnswer } from './playlists';
import { NO_STORE } from './security-headers';
import { type BufferAnswer, sendBuffer } from './send-buffer';
import type { Storage } from './storage-path';

type TextResource = Extract<Resource, { kind: 'text' | 'chapters' | 'text-playlist' | 'text-segment' }>;

/** Fixed, whatever is in the file. */
const VTT_MIME = 'text/vtt; charset=utf-8';
/** Texts of films that are watched now; each 1 MB at most as a file. */
const MAX_CUT_TEXTS = 32;

export interface Texts {
  /** Answers an admitted request. False: there is no such text, or no such segment; nothing has been sent. */
  answer(exchange: Exchange, resource: TextResource): Promise<boolean>;
}

export interface TextParts {
  storage: Pick<Storage, 'open'>;
  packager: Pick<Packager, 'presentation'>;
}

function fileOf(asset: GrantedAsset, resource: TextResource): GrantedFile | undefined {
  if (resource.kind === 'chapters') return chaptersOf(asset)?.file;
  return asset.textTracks?.find(({ id }) => id === resource.text)?.file;
}

/** What is stored was cleaned before (`publishedCues`). */
function cuesOf(bytes: Buffer): readonly Cue[] {
  const read = readWebVttCues(bytes.toString('utf8'));
  if ('cues' in read) return read.cues;
  throw new StreamError('asset-missing', `A stored text is damaged: ${read.problem.code}.`);
}

/** Text tracks of films: whole, as WebVTT, and in pieces for HLS. Small, and so outside the pace, as playlists are. */
export function createTexts({ storage, packager }: TextParts): Texts {
  const cut = new LRUCache<string, readonly Cue[]>({ max: MAX_CUT_TEXTS });

  async function cues(file: GrantedFile): Promise<readonly Cue[]> {
    const known = cut.get(file.version);
    if (known !== undefined) return known;
    const read = cuesOf(await readMadeFile(storage, file));
    cut.set(file.version, read);
    return read;
  }

  async function wholeText(file: GrantedFile): Promise<BufferAnswer> {
    const etag = `"${file.version.slice(0, 22)}"`;
    const bytes = await readMadeFile(storage, file);
    return { bytes, representation: { mime: VTT_MIME, etag, cacheControl: NO_STORE } };
  }

  async function answerOf(
    asset: GrantedAsset,
    resource: TextResource,
    file: GrantedFile,
  ): Promise<BufferAnswer | null> {
    if (resource.kind === 'text' || resource.kind === 'chapters') return wholeText(file);
    const { durationSeconds } = await packager.presentation(asset);
    if (resource.kind === 'text-playlist') return toAnswer(formatTextPlaylist(durationSeconds), HLS_MIME);
    const count = textSegmentCount(durationSeconds);
    if (resource.number > count) return null;
    return toAnswer(formatTextSegment(await cues(file), resource.number, count), VTT_MIME);
  }

  return {
    async answer(exchange, resource) {
      const { asset } = exchange.session;
      const file = fileOf(asset, resource);
      const answer = file === undefined ? null : await answerOf(asset, resource, file);
      // Reading takes time; the session may have ended meanwhile.
      if (answer !== null && exchange.session.mayContinue()) sendBuffer(exchange, answer);
      return answer !== null;
    },
  };
}
