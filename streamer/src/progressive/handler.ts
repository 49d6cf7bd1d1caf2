import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import type { GrantedAsset, Rendition } from '../../../server/contracts';
import type { Exchange, Representation } from '../http/exchange';
import { NO_STORE } from '../http/security-headers';
import { type FileAnswer, sendFile } from '../http/send-file';
import type { OpenedSource, Storage } from '../http/storage-path';
import { formatAttachment } from './content-disposition';
import { OpenSources } from './open-sources';

export type ProgressiveHandler = (exchange: Exchange, kind: 'progressive' | 'download') => Promise<boolean>;

const SOURCE = 'source';
/** What renditions are. */
const MADE = { mime: 'video/mp4', extension: '.mp4' };
interface Sent {
  asset: GrantedAsset;
  rendition: Rendition;
}

const MIME = /^(video|audio)\/[a-z0-9][a-z0-9.+-]*$/i;

/** Only media types of media: an upload's declared type must not become a page. */
function contentTypeOf(mime: string): string {
  return MIME.test(mime) ? mime : 'application/octet-stream';
}

const etags = new WeakMap<Rendition, { sizeBytes: number; etag: string }>();

function etagOf({ asset, rendition }: Sent, sizeBytes: number): string {
  const known = etags.get(rendition);
  if (known?.sizeBytes === sizeBytes) return known.etag;
  const etag = deriveEtag({ asset, rendition }, sizeBytes);
  etags.set(rendition, { sizeBytes, etag });
  return etag;
}

// S19: opaque, and another one whenever a byte of the asset changes.
function deriveEtag({ asset, rendition }: Sent, sizeBytes: number): string {
  const identity = `${asset.id}\n${asset.contentVersion}\n${rendition.id}\n${sizeBytes}`;
  return `"${createHash('sha256').update(identity).digest('base64url').slice(0, 22)}"`;
}

/** A film that was converted is no longer of the kind that its name says. */
function fileNameOf({ asset, rendition }: Sent): string {
  if (rendition.id === SOURCE) return asset.fileName;
  return asset.fileName.slice(0, asset.fileName.length - extname(asset.fileName).length) + MADE.extension;
}

function toAnswer(sent: Sent, opened: OpenedSource, kind: 'progressive' | 'download'): FileAnswer {
  const { asset, rendition } = sent;
  const { file, sizeBytes } = opened;
  const representation: Representation = {
    mime: rendition.id === SOURCE ? contentTypeOf(asset.mime) : MADE.mime,
    etag: etagOf(sent, sizeBytes),
    cacheControl: NO_STORE,
    sizeBytes,
    headers: { 'content-disposition': kind === 'download' ? formatAttachment(fileNameOf(sent)) : 'inline' },
  };
  // S13: a download is a right to have the file; watching is bounded by the pace of watching.
  if (kind === 'download' || asset.durationSeconds === 0 || sizeBytes === 0) return { file, representation };
  return { file, representation, secondsPerByte: asset.durationSeconds / sizeBytes };
}

/** The best rendition as it is stored, in byte ranges: the upload itself, where that may be sent. */
export function createProgressiveHandler(storage: Storage): ProgressiveHandler {
  const sources = new OpenSources(storage);
  return async (exchange, kind) => {
    const { asset } = exchange.session;
    const [rendition] = asset.renditions;
    if (rendition === undefined) return false;
    await sources.use(rendition.storageKey, async (opened) => {
      if (exchange.session.mayContinue()) await sendFile(exchange, toAnswer({ asset, rendition }, opened, kind));
    });
    return true;
  };
}
