import { type PlaybackTokenAnswer, playbackTokenAnswerSchema } from '../../server/contracts';

/** Any node of a site. */
type Site = { url: string };

export interface MintResponse {
  status: number;
  headers: Headers;
  /** `data.error.details.code` of a refusal. */
  code: string | undefined;
  body: unknown;
}

/** Asks the token endpoint; `bearer` null asks as an anonymous visitor. */
export async function askForToken(
  app: Site,
  documentId: string,
  bearer: string | null,
  query = '',
  body?: unknown,
): Promise<MintResponse> {
  const response = await fetch(`${app.url}/api/protected-vod/videos/${documentId}/playback-token${query}`, {
    method: 'POST',
    headers: {
      ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as { error?: { details?: { code?: string } } };
  return { status: response.status, headers: response.headers, code: answer.error?.details?.code, body: answer };
}

/** Mints a token that must be granted. */
export async function mint(app: Site, documentId: string, bearer: string | null): Promise<PlaybackTokenAnswer['data']> {
  const answer = await askForToken(app, documentId, bearer);
  if (answer.status !== 200) throw new Error(`mint answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return playbackTokenAnswerSchema.parse(answer.body).data;
}
