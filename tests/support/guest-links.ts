import { madeGuestLinkSchema } from '../../server/contracts';
import { askAsAdmin } from './admin-rest';
import type { MintResponse } from './minting';
import type { AdminAccount } from './strapi-accounts';
import type { StrapiApp } from './strapi-app';

type GuestLink = ReturnType<typeof madeGuestLinkSchema.parse>['data'];

/** What an editor may ask of a link. */
export interface WantedLink {
  video: string;
  label?: string | null;
  expiresAt?: string;
  views?: number | null;
  password?: string | null;
  download?: boolean;
}

/** Makes a link that must be granted. */
export async function makeGuestLink(app: StrapiApp, editor: AdminAccount, wanted: WantedLink): Promise<GuestLink> {
  const answer = await askAsAdmin(app, editor, '/guest-links', { method: 'POST', body: wanted });
  if (answer.status !== 200) throw new Error(`guest-links answered ${answer.status}: ${answer.text}`);
  return madeGuestLinkSchema.parse(answer.body).data;
}

async function post(url: string, body: unknown, headers: Record<string, string>): Promise<MintResponse> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as { error?: { details?: { code?: string } } };
  return { status: response.status, headers: response.headers, code: answer.error?.details?.code, body: answer };
}

export interface GuestRequest {
  link: unknown;
  password?: unknown;
}

/** Asks as a guest does. `forwardedFor`: the guest's address, as a proxy tells it. */
export function askWithLink(
  app: Pick<StrapiApp, 'url'>,
  shown: GuestRequest,
  { query = '', forwardedFor }: { query?: string; forwardedFor?: string } = {},
): Promise<MintResponse> {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  return post(`${app.url}/api/protected-vod/guest-links/playback-token${query}`, shown, headers);
}

/** Asks for an editor's preview; `bearer` is that of the admin panel. */
export function askForPreview(
  app: Pick<StrapiApp, 'url'>,
  bearer: string,
  documentId: string,
  query = '',
): Promise<MintResponse> {
  const headers = { authorization: `Bearer ${bearer}` };
  return post(`${app.url}/protected-vod/videos/${documentId}/preview-token${query}`, undefined, headers);
}
