import type { AdminAccount } from './strapi-accounts';
import type { StrapiApp } from './strapi-app';

export interface AdminAnswer {
  status: number;
  body: unknown;
  text: string;
}

/** Asks one of the plugin's admin routes, as the admin panel does. */
export async function askAsAdmin(
  app: Pick<StrapiApp, 'url'>,
  admin: AdminAccount,
  route: string,
  init: { method?: string; body?: unknown } = {},
): Promise<AdminAnswer> {
  const response = await fetch(`${app.url}/protected-vod${route}`, {
    method: init.method ?? 'GET',
    headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'application/json' },
    ...(init.body !== undefined && { body: JSON.stringify(init.body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, body: isJson ? JSON.parse(text) : null, text };
}
