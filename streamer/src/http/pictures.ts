import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GrantedAsset, GrantedFile } from '../../../server/contracts';
import type { Exchange, Representation } from './exchange';
import { createPictureReader } from './held-pictures';
import { negotiate } from './negotiate';
import { NO_STORE } from './security-headers';
import { sendBuffer } from './send-buffer';
import type { Storage } from './storage-path';

type PictureKind = 'poster' | 'storyboard' | 'storyboard-sprite' | 'waveform';

const JPEG = 'image/jpeg';
// Fixed, whatever is in the file: a made picture must not become a page.
const MIMES: Record<PictureKind, string> = {
  poster: JPEG,
  storyboard: 'text/vtt; charset=utf-8',
  'storyboard-sprite': JPEG,
  waveform: 'application/json',
};

export interface Pictures {
  /** Answers an admitted request. False: none was made; nothing has been sent. */
  answer(exchange: Exchange, kind: PictureKind): Promise<boolean>;
  /** Sends a poster to whom the gate has let see it, under no session. */
  show(asked: { request: IncomingMessage; response: ServerResponse }, file: GrantedFile): Promise<void>;
}

function fileOf({ poster, storyboard, waveform }: GrantedAsset, kind: PictureKind): GrantedFile | undefined {
  if (kind === 'poster') return poster;
  if (kind === 'waveform') return waveform;
  return kind === 'storyboard' ? storyboard?.index : storyboard?.sprite;
}

function representationOf({ version }: GrantedFile, kind: PictureKind): Omit<Representation, 'sizeBytes'> {
  return { mime: MIMES[kind], etag: `"${version.slice(0, 22)}"`, cacheControl: NO_STORE };
}

/** What was made of films, as it lies in the storage. */
export function createPictures(storage: Pick<Storage, 'open'>): Pictures {
  const read = createPictureReader(storage);

  /** Held until the answer has ended in whatever way. */
  async function readFor(response: ServerResponse, file: GrantedFile): Promise<Buffer> {
    const { bytes, release } = await read(file);
    if (response.closed) release();
    else response.once('close', release);
    return bytes;
  }

  return {
    async answer(exchange, kind) {
      const file = fileOf(exchange.session.asset, kind);
      if (file === undefined) return false;
      const bytes = await readFor(exchange.response, file);
      // Reading takes time; the session may have ended meanwhile.
      if (exchange.session.mayContinue()) sendBuffer(exchange, { bytes, representation: representationOf(file, kind) });
      return true;
    },
    async show({ request, response }, file) {
      const bytes = await readFor(response, file);
      const representation = { ...representationOf(file, 'poster'), sizeBytes: bytes.byteLength };
      const { status, headers, extent } = negotiate({ request }, representation);
      response.writeHead(status, headers);
      response.end(extent === null ? undefined : bytes.subarray(extent.first, extent.last + 1));
    },
  };
}
