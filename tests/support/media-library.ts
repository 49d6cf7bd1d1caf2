import type { AdminAccount } from './strapi-accounts';

/** Any node of a site. */
type Site = { url: string };

/** A Media Library row as the admin API answers it, as far as tests look at it. */
export interface MediaFile {
  id: number;
  documentId: string;
  name: string;
  ext: string;
  mime: string;
  url: string;
  provider_metadata: unknown;
  formats: Record<string, { url: string }> | null;
}

export interface MediaAnswer {
  status: number;
  file: MediaFile;
  error: { message: string; details: { code?: string } };
}

export interface MediaUpload {
  name: string;
  bytes: Buffer;
  /** The multipart part's own Content-Type. */
  type?: string;
  folder?: number;
  /** Replaces the bytes of this file. */
  replaces?: number;
}

/** Uploads through the Media Library's own endpoint. */
export async function uploadToMediaLibrary(
  app: Site,
  admin: Pick<AdminAccount, 'token'>,
  upload: MediaUpload,
): Promise<MediaAnswer> {
  const form = new FormData();
  form.set('files', new Blob([new Uint8Array(upload.bytes)], { type: upload.type ?? 'video/mp4' }), upload.name);
  form.set('fileInfo', JSON.stringify({ name: upload.name, ...(upload.folder ? { folder: upload.folder } : {}) }));
  const query = upload.replaces === undefined ? '' : `?id=${upload.replaces}`;
  const response = await fetch(`${app.url}/upload${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin.token}` },
    body: form,
  });
  const body = (await response.json()) as { error?: MediaAnswer['error'] } & MediaFile & MediaFile[];
  const file = (Array.isArray(body) ? body[0] : body) as MediaFile;
  return { status: response.status, file, error: body.error ?? { message: '', details: {} } };
}

/** Deletes through the Media Library's own endpoint; `query` e.g. `?force=true`. */
export async function deleteFromMediaLibrary(app: Site, admin: Pick<AdminAccount, 'token'>, id: number, query = '') {
  const response = await fetch(`${app.url}/upload/files/${id}${query}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${admin.token}` },
  });
  const body = (await response.json()) as { error?: MediaAnswer['error'] };
  return { status: response.status, error: body.error ?? { message: '', details: {} } };
}
