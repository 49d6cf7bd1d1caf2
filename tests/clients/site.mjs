/**
 * Signs a visitor in as a frontend does.
 * @param {string} site @param {string} identifier @param {string} password
 * @returns {Promise<string>} the visitor's JWT
 */
export async function signIn(site, identifier, password) {
  const response = await fetch(`${site}/api/auth/local`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier, password }),
  });
  if (!response.ok) throw new Error(`sign-in answered ${response.status}`);
  return (await response.json()).jwt;
}

/**
 * Asks for a playback token.
 * @param {string} site @param {string} documentId @param {string | null} jwt null: as an anonymous visitor
 * @returns {Promise<{ status: number, body: any }>}
 */
export async function mint(site, documentId, jwt) {
  const response = await fetch(`${site}/api/protected-vod/videos/${documentId}/playback-token`, {
    method: 'POST',
    headers: jwt === null ? {} : { authorization: `Bearer ${jwt}` },
  });
  return { status: response.status, body: await response.json() };
}
