import { once } from 'node:events';
import http from 'node:http';
import type { PaddedFilm } from './padded-film';
import { askForOffset, createUpload, ticketFor } from './tus-requests';
import type { UploadSite } from './upload-site';

export interface Cut {
  /** As many bytes of the film have been sent by then. */
  atByte: number;
  kind: 'connection' | 'process';
}

export interface FinishedUpload {
  result: { assetId: string; fileId: number };
  /** Where each attempt began. */
  offsets: number[];
}

interface Attempt {
  film: PaddedFilm;
  location: string;
  token: string;
  offset: number;
  /** Told before each piece; true: not one byte more. */
  isCut: (sent: number) => Promise<boolean>;
}

/** One PATCH of all that is missing. Null: it was cut off. */
async function send(site: UploadSite, { film, location, token, offset, isCut }: Attempt) {
  const request = http.request(site.url + location, {
    method: 'PATCH',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-token': token,
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
      'content-length': String(film.sizeBytes - offset),
    },
  });
  const answer = once(request, 'response').then(
    ([response]) => response as http.IncomingMessage,
    () => null,
  );
  let sent = offset;
  for (const piece of film.piecesFrom(offset)) {
    if (request.destroyed || (await isCut(sent))) {
      request.destroy();
      return null;
    }
    if (!request.write(piece)) await Promise.race([once(request, 'drain'), answer]).catch(() => undefined);
    sent += piece.byteLength;
  }
  request.end();
  return answer;
}

/** Uploads a film that is cut off where the cuts say, and goes on each time with what HEAD says is missing. */
export async function uploadWithCuts(
  site: UploadSite,
  film: PaddedFilm,
  cuts: readonly Cut[],
): Promise<FinishedUpload> {
  const ticket = await ticketFor(site, site, { fileName: 'large.mp4', sizeBytes: film.sizeBytes });
  const created = await createUpload(site, ticket, film.sizeBytes);
  if (created.status !== 201) throw new Error(`creation answered ${created.status}: ${await created.text()}`);
  const location = created.headers.get('location') ?? '';
  const waiting = cuts.toSorted((one, other) => one.atByte - other.atByte);
  const offsets: number[] = [];

  async function isCut(sent: number): Promise<boolean> {
    const [next] = waiting;
    if (!next || sent < next.atByte) return false;
    waiting.shift();
    if (next.kind === 'process') {
      await site.kill();
      await site.boot();
      site.rest();
    }
    return true;
  }

  for (;;) {
    const head = await askForOffset(site, location, ticket.token);
    const offset = Number(head.headers.get('upload-offset'));
    if (head.status !== 200) throw new Error(`HEAD answered ${head.status}`);
    offsets.push(offset);
    const answer = await send(site, { film, location, token: ticket.token, offset, isCut });
    if (!answer) continue;
    answer.resume();
    const result = answer.headers['upload-result'];
    if (typeof result !== 'string') throw new Error(`the last PATCH answered ${answer.statusCode}`);
    return { result: JSON.parse(result), offsets };
  }
}
