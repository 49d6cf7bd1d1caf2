/**
 * GETs an address as a player does: redirects followed, anything but success thrown.
 * @param {string} url
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{ url: string, status: number, headers: Headers, bytes: Buffer }>}
 */
export async function fetchOk(url, headers = {}) {
  const response = await fetch(url, { headers });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok)
    throw new Error(`GET ${new URL(url).pathname.split('/').slice(3).join('/')} answered ${response.status}`);
  return { url: response.url, status: response.status, headers: response.headers, bytes };
}
