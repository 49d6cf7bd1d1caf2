import { playbackTokenAnswerSchema } from '../../server/contracts';
import type { StrapiApp } from './strapi-app';

/** What a list says of a video. */
export interface ListedVideo {
  documentId: string;
  playback?: { token: string; urls: Record<string, string | null>; [key: string]: unknown } | null;
  playbackRefusal?: string | null;
}

export interface Listing {
  status: number;
  cacheControl: string | null;
  body: unknown;
  /** Every video in the answer, in its order, however deep. */
  videos: ListedVideo[];
}

function videosIn(value: unknown): ListedVideo[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('playbackRefusal' in value) return [value as ListedVideo];
  return Object.values(value).flatMap(videosIn);
}

async function listing(response: Response): Promise<Listing> {
  const body = await response.json();
  return {
    status: response.status,
    cacheControl: response.headers.get('cache-control'),
    body,
    videos: videosIn(body),
  };
}

const authorized = (bearer: string | null) => (bearer === null ? {} : { authorization: `Bearer ${bearer}` });

/** Asks REST; `bearer` null asks as an anonymous visitor. */
export async function listByRest(app: StrapiApp, path: string, bearer: string | null): Promise<Listing> {
  return listing(await fetch(`${app.url}/api/${path}`, { headers: authorized(bearer) }));
}

/** The same of GraphQL; throws what was answered unless it went well. */
export async function listByGraphql(app: StrapiApp, query: string, bearer: string | null): Promise<Listing> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { ...authorized(bearer), 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const answer = await listing(response);
  if (answer.status !== 200 || 'errors' in (answer.body as object)) throw new Error(JSON.stringify(answer.body));
  return answer;
}

/** What the token endpoint would have answered, read as strictly. */
export function playbackOf({ playback }: ListedVideo) {
  const urls = Object.entries(playback?.urls ?? {}).filter(([, url]) => url !== null);
  return playbackTokenAnswerSchema.parse({ data: playback && { ...playback, urls: Object.fromEntries(urls) } }).data;
}
