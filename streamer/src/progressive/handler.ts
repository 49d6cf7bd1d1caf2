import { createHash } from 'node:crypto';
import type { GrantedAsset } from '../../../server/contracts';
import type { Exchange, Representation } from '../http/exchange';
import { NO_STORE } from '../http/security-headers';
import { type FileAnswer, sendFile } from '../http/send-file';
import type { OpenedSource, Storage } from '../http/storage-path';
import { formatAttachment } from './content-disposition';
import { OpenSources } from './open-sources';

export type ProgressiveHandler = (exchange: Exchange, kind: 'progressive' | 'download') => Promise<boolean>;

const SOURCE = 'source';
const MIME = /^(video|audio)\/[a-z0-9][a-z0-9.+-]*$/i;

/** Only media types of media: an upload's declared type must not become a page. */
function contentTypeOf(mime: string): string {
  return MIME.test(mime) ? mime : 'application/octet-stream';
}

const etags = new WeakMap<GrantedAsset, { sizeBytes: number; etag: string }>();

function etagOf(asset: GrantedAsset, sizeBytes: number): string {
  const known = etags.get(asset);
  if (known?.sizeBytes === sizeBytes) return known.etag;
  const etag = deriveEtag(asset, sizeBytes);
  etags.set(asset, { sizeBytes, etag });
  return etag;
}

// S19: opaque, and another one whenever a byte of the asset changes.
function deriveEtag(asset: GrantedAsset, sizeBytes: number): string {
  const identity = `${asset.id}\n${asset.contentVersion}\n${SOURCE}\n${sizeBytes}`;
  return `"${createHash('sha256').update(identity).digest('base64url').slice(0, 22)}"`;
}

function toAnswer(asset: GrantedAsset, opened: OpenedSource, kind: 'progressive' | 'download'): FileAnswer {
  const { file, sizeBytes } = opened;
  const representation: Representation = {
    mime: contentTypeOf(asset.mime),
    etag: etagOf(asset, sizeBytes),
    cacheControl: NO_STORE,
    sizeBytes,
    headers: { 'content-disposition': kind === 'download' ? formatAttachment(asset.fileName) : 'inline' },
  };
  // S13: a download is a right to have the file; watching is bounded by the pace of watching.
  if (kind === 'download' || asset.durationSeconds === 0 || sizeBytes === 0) return { file, representation };
  return { file, representation, secondsPerByte: asset.durationSeconds / sizeBytes };
}

/** The stored source as it is, in byte ranges. */
export function createProgressiveHandler(storage: Storage): ProgressiveHandler {
  const sources = new OpenSources(storage);
  return async (exchange, kind) => {
    const { asset } = exchange.session;
    const source = asset.renditions.find(({ id }) => id === SOURCE);
    if (source === undefined) return false;
    await sources.use(source.storageKey, async (opened) => {
      if (exchange.session.mayContinue()) await sendFile(exchange, toAnswer(asset, opened, kind));
    });
    return true;
  };
}
