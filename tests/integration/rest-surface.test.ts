import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdminWith } from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

interface Layer {
  path: string;
  methods: string[];
}

const PROBES = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

let app: StrapiApp;
let routes: Layer[];

beforeAll(async () => {
  app = await startStrapiApp({
    pluginConfig: { streamer: { mode: 'external', publicUrl: 'https://video.example.test' } },
  });
  routes = app.strapi.server.listRoutes().filter(({ path }: Layer) => path.includes('protected-vod'));
});

afterAll(() => app.stop());

const request = () => supertest(app.strapi.server.httpServer);
const addressOf = (path: string) => path.replace(/:[A-Za-z]+/g, 'aaaaaaaaaaaaaaaaaaaaaaaa').replace(/\(.*\)/g, '');

describe('the plugin’s REST surface', () => {
  it('is found by asking Strapi for its routes', () => {
    expect(routes.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        '/api/protected-vod/videos',
        '/api/protected-vod/videos/:documentId/playback-token',
        '/protected-vod/uploads',
      ]),
    );
  });

  it('lets an anonymous visitor do nothing, whatever the method', async () => {
    for (const { path } of routes) {
      for (const method of PROBES) {
        const { status } = await request()[method.toLowerCase() as 'get'](addressOf(path));
        expect([401, 403, 404, 405], `${method} ${path} ${status}`).toContain(status);
      }
    }
  });

  it('gives no upload ticket to an administrator without the right to add files', async () => {
    const admin = await createAdminWith(app, [{ action: 'plugin::upload.read' }]);
    const answer = await request()
      .post('/protected-vod/uploads')
      .set('Authorization', `Bearer ${admin.token}`)
      .send({ fileName: 'film.mp4', sizeBytes: 1000 });
    expect(answer.status).toBe(403);
  });

  it('tells no inert address apart from one that never was', async () => {
    for (const path of ['/protected-vod/asset/aaaaaaaaaaaaaaaaaaaaaaaa', '/protected-vod/asset/', '/protected-vod/']) {
      expect((await request().get(path)).status).toBe(404);
    }
  });
});
