import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GrantedAsset, GrantedFile } from '../../../server/contracts';
import { StreamError } from '../errors';
import type { Exchange, Representation } from './exchange';
import { negotiate } from './negotiate';
import { NO_STORE } from './security-headers';
import { sendBuffer } from './send-buffer';
import type { Storage } from './storage-path';

type PictureKind = 'poster' | 'storyboard' | 'storyboard-sprite';

/** Far above what the ingest worker makes; read in one piece. */
const MAX_BYTES = 32 * 1024 * 1024;

const JPEG = 'image/jpeg';
// Fixed, whatever is in the file: a made picture must not become a page.
const MIMES: Record<PictureKind, string> = {
  poster: JPEG,
  storyboard: 'text/vtt; charset=utf-8',
  'storyboard-sprite': JPEG,
};

export interface Pictures {
  /** Answers an admitted request. False: none was made; nothing has been sent. */
  answer(exchange: Exchange, kind: PictureKind): Promise<boolean>;
  /** Sends a poster to whom the gate has let see it, under no session. */
  show(asked: { request: IncomingMessage; response: ServerResponse }, file: GrantedFile): Promise<void>;
}

function fileOf({ poster, storyboard }: GrantedAsset, kind: PictureKind): GrantedFile | undefined {
  if (kind === 'poster') return poster;
  return kind === 'storyboard' ? storyboard?.index : storyboard?.sprite;
}

function representationOf({ version }: GrantedFile, kind: PictureKind): Omit<Representation, 'sizeBytes'> {
  return { mime: MIMES[kind], etag: `"${version.slice(0, 22)}"`, cacheControl: NO_STORE };
}

/** What was made of films, as it lies in the storage. */
export function createPictures(storage: Pick<Storage, 'open'>): Pictures {
  async function read({ storageKey }: GrantedFile): Promise<Buffer> {
    const { file, sizeBytes } = await storage.open(storageKey);
    try {
      if (sizeBytes > MAX_BYTES) throw new StreamError('asset-missing', 'A picture is larger than any that is made.');
      return await file.readFile();
    } finally {
      await file.close();
    }
  }

  return {
    async answer(exchange, kind) {
      const file = fileOf(exchange.session.asset, kind);
      if (file === undefined) return false;
      const bytes = await read(file);
      // Reading takes time; the session may have ended meanwhile.
      if (exchange.session.mayContinue()) sendBuffer(exchange, { bytes, representation: representationOf(file, kind) });
      return true;
    },
    async show({ request, response }, file) {
      const bytes = await read(file);
      const representation = { ...representationOf(file, 'poster'), sizeBytes: bytes.byteLength };
      const { status, headers, extent } = negotiate({ request }, representation);
      response.writeHead(status, headers);
      response.end(extent === null ? undefined : bytes.subarray(extent.first, extent.last + 1));
    },
  };
}
