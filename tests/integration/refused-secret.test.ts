import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STREAMER_CREDENTIAL_HEADER } from '../../server/contracts';
import { askAsAdmin } from '../support/admin-rest';
import { createApiToken, tellChange } from '../support/external-subjects';
import { publishVideo, uploadFilm } from '../support/films';
import { askForToken } from '../support/minting';
import {
  type AdminAccount,
  createAdmin,
  createSiteUser,
  findSiteRole,
  grantPermission,
} from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

let app: StrapiApp;
let editor: AdminAccount;

beforeAll(async () => {
  app = await startStrapiApp({ env: { PROTECTED_VOD_SECRET: 'toBeModified' } });
  editor = await createAdmin(app);
});

afterAll(async () => {
  await app.stop();
  delete process.env.PROTECTED_VOD_SECRET;
});

describe('S2 a site whose secret is a template value', () => {
  it('boots, and mints nothing: 503', async () => {
    const role = await findSiteRole(app, 'authenticated');
    await grantPermission(app, role, 'plugin::protected-vod.playback.create');
    const user = await createSiteUser(app, role);
    const video = await publishVideo(app, editor, { source: (await uploadFilm(app, editor)).id });
    expect(await askForToken(app, video, user.jwt)).toMatchObject({ status: 503, code: 'not-configured' });
  });

  it('takes no word of a subject and erases none, for nothing could remember it: 503', async () => {
    const shop = await createApiToken(app);
    expect((await tellChange(app, shop, 'ann', { ended: true })).status).toBe(503);
    const erase = (route: string) => askAsAdmin(app, editor, `/subjects/${route}`, { method: 'DELETE' });
    const body = { error: { details: { code: 'not-configured' } } };
    expect(await erase(`external/${shop.id}:ann`)).toMatchObject({ status: 503, body });
    expect((await erase('admin/999999')).status).toBe(200);
  });

  it('runs no streamer', () => {
    expect(app.strapi.plugin('protected-vod').service('streamer').status()?.pid ?? null).toBeNull();
  });

  it('opens the internal endpoints to nobody', async () => {
    const response = await fetch(`${app.url}/api/protected-vod/internal/sync`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [STREAMER_CREDENTIAL_HEADER]: '' },
      body: '{}',
    });
    expect(response.status).toBe(403);
  });
});
