import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishVideo, sendAsAdmin, uploadFilm, VIDEO_ROUTE } from '../support/films';
import {
  type AdminAccount,
  createAdmin,
  createSiteRole,
  createSiteUser,
  grantPermission,
} from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

const VIDEOS = '/api/protected-vod/videos';
const READ = [
  'plugin::protected-vod.video.find',
  'plugin::protected-vod.video.findOne',
  'plugin::upload.content-api.find',
  'plugin::upload.content-api.findOne',
];

let app: StrapiApp;
let editor: AdminAccount;
let reader: string;
let fileId: number;

async function read(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(app.url + path, { headers: { authorization: `Bearer ${reader}` } });
  return { status: response.status, text: await response.text() };
}

async function ask(query: string): Promise<string> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${reader}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return response.text();
}

beforeAll(async () => {
  app = await startStrapiApp({ pluginConfig: { streamer: { mode: 'external' } } });
  editor = await createAdmin(app);
  const role = await createSiteRole(app, 'reader');
  for (const action of READ) await grantPermission(app, role, action);
  reader = (await createSiteUser(app, role)).jwt;
  fileId = (await uploadFilm(app, editor)).id;
  const documentId = await publishVideo(app, editor, { source: fileId, title: 'Published' });
  const rework = { title: 'Reworked in secret', source: fileId };
  await sendAsAdmin(app, editor, `${VIDEO_ROUTE}/${documentId}`, rework, 'PUT');
  await sendAsAdmin(app, editor, VIDEO_ROUTE, { title: 'Never shown in secret', source: fileId });
});

afterAll(() => app.stop());

describe('S10 drafts are for editors: a reader of published videos', () => {
  test.each([
    'protectedVodVideos(status: DRAFT) { title }',
    'protectedVodVideos_connection(status: DRAFT) { nodes { title } }',
    'protectedVodVideos(status: DRAFT, hasPublishedVersion: false) { title }',
  ])('gets none by GraphQL: %s', async (query) => {
    const answer = await ask(`{ ${query} }`);
    expect(answer).toContain('"data"');
    expect(answer).not.toContain('secret');
  });

  test('gets what is published by GraphQL', async () => {
    expect(await ask('{ protectedVodVideos { title } }')).toContain('Published');
  });

  test.each([
    `${VIDEOS}?populate[source][populate]=related`,
    `${VIDEOS}?populate[source][populate][related][on][plugin::protected-vod.video][fields][0]=title`,
    '/api/upload/files?populate=related',
  ])('gets none through the film that they share: %s', async (path) => {
    const { status, text } = await read(path);
    expect(status).toBe(200);
    expect(text).toContain('video.mp4');
    expect(text).not.toContain('secret');
  });

  test('gets none through the film by its id', async () => {
    expect((await read(`/api/upload/files/${fileId}?populate=related`)).text).not.toContain('secret');
  });

  test.each([
    'filters[localizations][title][$contains]=secret',
    'filters[$or][0][localizations][title][$contains]=secret',
    'filters[$not][localizations][title][$contains]=secret',
    'sort[localizations][title]=asc',
    'sort=localizations.title:asc',
  ])('learns nothing of them from ?%s', async (query) => {
    expect((await read(`${VIDEOS}?${query}`)).status).toBe(400);
  });

  test('may look for the word itself', async () => {
    expect((await read(`${VIDEOS}?filters[title][$contains]=localizations`)).status).toBe(200);
  });

  test('learns nothing of them from a GraphQL filter', async () => {
    const answer = await ask(
      '{ protectedVodVideos(filters: { localizations: { title: { contains: "secret" } } }) { title } }',
    );
    expect(answer).not.toContain('Published');
  });
});
