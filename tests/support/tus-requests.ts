import type { AdminAccount } from './strapi-accounts';

export const TUS = { 'tus-resumable': '1.0.0' };

export interface Ticket {
  token: string;
  endpoint: string;
  expiresInSeconds: number;
}

/** Any node of a site. */
type Site = { url: string };

/** Asks for a ticket, as the admin panel does. */
export function askForTicket(site: Site, admin: Pick<AdminAccount, 'token'>, body: object): Promise<Response> {
  return fetch(`${site.url}/protected-vod/uploads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

export async function ticketFor(site: Site, admin: Pick<AdminAccount, 'token'>, body: object): Promise<Ticket> {
  const response = await askForTicket(site, admin, body);
  if (response.status !== 201) throw new Error(`the ticket answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { data: Ticket }).data;
}

export function createUpload(
  site: Site,
  { token, endpoint }: Ticket,
  sizeBytes: number,
  headers: Record<string, string> = {},
): Promise<Response> {
  const own = { ...TUS, 'upload-token': token, 'upload-length': String(sizeBytes) };
  return fetch(site.url + endpoint, { method: 'POST', headers: { ...own, ...headers } });
}

export interface Piece {
  location: string;
  token: string;
  offset: number;
  body: BodyInit;
  headers?: Record<string, string>;
}

export function sendPiece(site: Site, { location, token, offset, body, headers = {} }: Piece): Promise<Response> {
  return fetch(site.url + location, {
    method: 'PATCH',
    headers: {
      ...TUS,
      ...headers,
      'upload-token': token,
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
    },
    body,
    // Undici asks for it where the body is a stream.
    ...({ duplex: 'half' } as object),
  });
}

export function askForOffset(site: Site, location: string, token: string): Promise<Response> {
  return fetch(site.url + location, { method: 'HEAD', headers: { ...TUS, 'upload-token': token } });
}

export function takeBack(site: Site, location: string, token: string): Promise<Response> {
  return fetch(site.url + location, { method: 'DELETE', headers: { ...TUS, 'upload-token': token } });
}
