import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CLIP_PATH } from './clips';
import type { AdminAccount } from './strapi-accounts';

/** Any node of a site. */
type Site = { url: string };
type Editor = Pick<AdminAccount, 'token'>;

export const CLIP = CLIP_PATH;

/** Of the Content Manager. */
export const VIDEO_ROUTE = '/content-manager/collection-types/plugin::protected-vod.video';

export interface UploadedFile {
  id: number;
  documentId: string;
  url: string;
  mime: string;
}

/** Sends to an admin route; throws what was answered unless it went well. */
async function send(app: Site, admin: Editor, route: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(app.url + route, {
    ...init,
    headers: { authorization: `Bearer ${admin.token}`, ...init.headers },
  });
  if (!response.ok) throw new Error(`${init.method} ${route} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Sends JSON, in the words of the admin panel. */
export function sendAsAdmin(
  app: Site,
  admin: Editor,
  route: string,
  body: object,
  method: 'POST' | 'PUT' = 'POST',
): Promise<unknown> {
  return send(app, admin, route, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Uploads through the Media Library, as an editor does. */
export async function uploadFilm(app: Site, editor: Editor, file = CLIP): Promise<UploadedFile> {
  const form = new FormData();
  form.append('files', new Blob([await readFile(file)], { type: 'video/mp4' }), path.basename(file));
  const [uploaded] = (await send(app, editor, '/upload', { method: 'POST', body: form })) as UploadedFile[];
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

/** Makes an entry through the Content Manager and publishes it; returns its `documentId`. */
export async function publishVideo(
  app: Site,
  editor: Editor,
  fields: VideoFields & { source: number },
): Promise<string> {
  const entry = { title: 'A film', downloadable: true, ...fields };
  // What the button “Publish” of an entry that was not saved before sends.
  const created = await sendAsAdmin(app, editor, `${VIDEO_ROUTE}/actions/publish`, entry);
  return (created as { data: { documentId: string } }).data.documentId;
}

/** Takes an entry back through the Content Manager. */
export async function unpublishVideo(app: Site, editor: Editor, documentId: string): Promise<void> {
  await sendAsAdmin(app, editor, `${VIDEO_ROUTE}/${documentId}/actions/unpublish`, {});
}

/** Deletes an entry through the Content Manager. */
export async function deleteVideo(app: Site, editor: Editor, documentId: string): Promise<void> {
  await send(app, editor, `${VIDEO_ROUTE}/${documentId}`, { method: 'DELETE' });
}
