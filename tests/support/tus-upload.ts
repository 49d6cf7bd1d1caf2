import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { AdminAccount } from './strapi-accounts';
import type { StrapiApp } from './strapi-app';

const TUS = { 'tus-resumable': '1.0.0' };

export interface TusUpload {
  /** Id of the Media Library file. */
  id: number;
  /** When the last byte was handed to the operating system (milliseconds, monotonic). */
  lastByteAt: number;
}

async function ticketFor(app: StrapiApp, editor: AdminAccount, fileName: string, sizeBytes: number) {
  const response = await fetch(`${app.url}/protected-vod/uploads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${editor.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ fileName, sizeBytes }),
  });
  if (response.status !== 201) throw new Error(`the upload ticket answered ${response.status}`);
  return ((await response.json()) as { data: { token: string; endpoint: string } }).data;
}

async function sendFile(
  url: string,
  token: string,
  file: string,
): Promise<{ answer: http.IncomingMessage; lastByteAt: number }> {
  const headers = {
    ...TUS,
    'upload-token': token,
    'upload-offset': '0',
    'content-type': 'application/offset+octet-stream',
    'content-length': String((await stat(file)).size),
  };
  const request = http.request(url, { method: 'PATCH', headers });
  const answer = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), request);
  const lastByteAt = performance.now();
  return { answer: await answer, lastByteAt };
}

/** Uploads a film of any size through the resumable route, in one PATCH. */
export async function uploadFilmByTus(app: StrapiApp, editor: AdminAccount, file: string): Promise<TusUpload> {
  const { size } = await stat(file);
  const { token, endpoint } = await ticketFor(app, editor, path.basename(file), size);
  const created = await fetch(app.url + endpoint, {
    method: 'POST',
    headers: { ...TUS, 'upload-token': token, 'upload-length': String(size) },
  });
  if (created.status !== 201) throw new Error(`the upload answered ${created.status}`);
  const { answer, lastByteAt } = await sendFile(app.url + (created.headers.get('location') ?? ''), token, file);
  answer.resume();
  const result = answer.headers['upload-result'];
  if (typeof result !== 'string') throw new Error(`the last PATCH answered ${answer.statusCode}`);
  return { id: (JSON.parse(result) as { fileId: number }).fileId, lastByteAt };
}
