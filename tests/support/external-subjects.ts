import { type PlaybackTokenAnswer, playbackTokenAnswerSchema } from '../../server/contracts';
import { askForToken, type MintResponse } from './minting';
import { PLAY } from './playback-site';
import type { StrapiApp } from './strapi-app';

/** Lets an API token speak for users who live elsewhere; it needs `PLAY` as well. */
export const VOUCH = 'plugin::protected-vod.subject.vouch';

export interface ApiToken {
  id: number;
  accessKey: string;
}

export interface Subject {
  id: string;
  role: string;
  attributes?: Record<string, unknown>;
}

const tokens = (app: StrapiApp) => app.strapi.service('admin::api-token');

/** Makes a custom API token with these boxes ticked, or one of another type. */
export function createApiToken(
  app: StrapiApp,
  permissions: string[] | 'full-access' | 'read-only' = [PLAY, VOUCH],
): Promise<ApiToken> {
  const type = typeof permissions === 'string' ? permissions : 'custom';
  return tokens(app).create({
    name: `${type}-${Math.random()}`,
    description: '',
    type,
    lifespan: null,
    permissions: typeof permissions === 'string' ? null : permissions,
  });
}

/** Asks the token endpoint for a user who lives elsewhere. */
export function askForSubject(
  app: StrapiApp,
  video: string,
  { accessKey }: ApiToken,
  subject: unknown,
): Promise<MintResponse> {
  return askForToken(app, video, accessKey, '', { subject });
}

/** Mints a token that must be granted. */
export async function mintForSubject(
  app: StrapiApp,
  video: string,
  token: ApiToken,
  subject: Subject,
): Promise<PlaybackTokenAnswer['data']> {
  const { status, body } = await askForSubject(app, video, token, subject);
  if (status !== 200) throw new Error(`mint answered ${status}: ${JSON.stringify(body)}`);
  return playbackTokenAnswerSchema.parse(body).data;
}

/** `POST …/subjects/:id/changed`, as the site does that the API token belongs to. */
export async function tellChange(
  app: Pick<StrapiApp, 'url'>,
  { accessKey }: Pick<ApiToken, 'accessKey'>,
  id: string,
  change?: unknown,
): Promise<{ status: number; sessions: number | undefined }> {
  const response = await fetch(`${app.url}/api/protected-vod/subjects/${encodeURIComponent(id)}/changed`, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessKey}`, 'content-type': 'application/json' },
    ...(change !== undefined && { body: JSON.stringify(change) }),
  });
  const text = await response.text();
  const isTold = response.status === 200;
  return { status: response.status, sessions: isTold ? JSON.parse(text).data.sessions : undefined };
}
